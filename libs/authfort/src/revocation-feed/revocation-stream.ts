import type { ServerResponse } from 'node:http';
import type { FeedFrame } from '../revocation/feed-frame.js';
import type { RevocationSubscriber } from '../revocation/revocation-hub.js';

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  // nginx would keep events back until its buffer is full.
  'X-Accel-Buffering': 'no',
};
/** How long a reader waits before it comes again (milliseconds). */
const RETRY_MS = 250;
const ALIVE_EVERY_MS = 1000;
/** A reader with more in its buffer is disconnected. It reconnects with its cursor and catches up page by page. */
const MAX_BUFFERED_BYTES = 256 * 1024;
/** A reader whose buffer does not drain for so long is disconnected. */
const STALL_MS = 10_000;

/** One reader of the feed: server-sent events (WHATWG HTML §9.2) on a response that stays open. */
export class RevocationStream implements RevocationSubscriber {
  private response: ServerResponse | undefined;
  /** Where the reader goes on from, once it has all that came before. */
  private cursor: string | undefined;
  private caughtUp = false;
  private over = false;
  private aliveAt = -Infinity;
  private stalledSince: number | undefined;

  constructor(private readonly stallMs = STALL_MS) {}

  /** Answers, and calls `left` when the reader has gone. What has been heard until now is part of the past that has to be read yet. */
  begin(response: ServerResponse, left: () => void): void {
    this.response = response;
    response.once('close', left).on('drain', () => (this.stalledSince = undefined));
    if (response.destroyed) return left();
    response.writeHead(200, HEADERS);
    response.write(`retry: ${RETRY_MS}\n\n`);
    if (this.over) response.end();
  }

  get open(): boolean {
    return !this.over && this.response?.destroyed === false;
  }

  heard(frame: FeedFrame | undefined, cursor: string | undefined): void {
    if (this.stalledSince !== undefined && performance.now() - this.stalledSince > this.stallMs)
      return this.abort();
    this.cursor = cursor ?? this.cursor;
    if (frame) this.send(frame.bytes);
    // However much there is to tell: only this says that nothing is missing.
    if (this.caughtUp && cursor !== undefined && performance.now() - this.aliveAt >= ALIVE_EVERY_MS)
      this.alive();
  }

  /** Sends entries of the past. Resolves when the reader can take more, or when it was disconnected. */
  async past(frame: FeedFrame): Promise<void> {
    await this.drained();
    this.send(frame.bytes);
    await this.drained();
  }

  /** All of the past has been sent. @param cursor of its last page */
  complete(cursor: string): void {
    this.cursor ??= cursor;
    this.caughtUp = true;
    this.alive();
  }

  ended(): void {
    this.over = true;
    this.response?.end();
  }

  /** Disconnects the reader, which has to reconnect. */
  abort(): void {
    this.response?.destroy();
  }

  /** Only this event has a cursor: a reader that was disconnected before it asks for everything since the one before. */
  private alive(): void {
    this.aliveAt = performance.now();
    this.send(`id: ${this.cursor}\nevent: alive\ndata: {}\n\n`);
  }

  private send(event: Buffer | string): void {
    const { response } = this;
    if (!response || !this.open) return;
    if (response.writableLength > MAX_BUFFERED_BYTES) return this.abort();
    if (!response.write(event)) this.stalledSince ??= performance.now();
  }

  /** Waits until the buffer is empty, for `stallMs` at most. */
  private async drained(): Promise<void> {
    const { response } = this;
    if (!response || !this.open || !response.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        response.off('drain', done).off('close', done);
        resolve();
      };
      const timer = setTimeout(() => {
        this.abort();
        done();
      }, this.stallMs);
      response.once('drain', done).once('close', done);
    });
  }
}
