import type { ServerResponse } from 'node:http';
import type { Revocation } from '../revocation/revocation.js';
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
/** A reader that does not keep up is cut off: it comes again and goes on where it was. */
const MOST_BUFFERED_BYTES = 4 * 1024 * 1024;

/** One reader of the feed: server-sent events (WHATWG HTML §9.2) on a response that stays open. */
export class RevocationStream implements RevocationSubscriber {
  private response: ServerResponse | undefined;
  /** Where the reader goes on from, once it has all that came before. */
  private cursor: string | undefined;
  private caughtUp = false;
  private over = false;
  private aliveAt = -Infinity;

  /** Answers, and calls `left` when the reader has gone. What has been heard until now is part of the past that has to be read yet. */
  begin(response: ServerResponse, left: () => void): void {
    this.response = response;
    response.once('close', left);
    if (response.destroyed) return left();
    response.writeHead(200, HEADERS);
    response.write(`retry: ${RETRY_MS}\n\n`);
    if (this.over) response.end();
  }

  get open(): boolean {
    return !this.over && this.response?.destroyed === false;
  }

  heard(revocations: readonly Revocation[], cursor: string): void {
    this.cursor = cursor;
    if (revocations.length > 0) this.send('revocations', revocations);
    // However much there is to tell: only this says that nothing is missing.
    if (this.caughtUp && performance.now() - this.aliveAt >= ALIVE_EVERY_MS) this.alive();
  }

  /** What was there before. Resolves when the reader can take more. */
  async past(revocations: readonly Revocation[]): Promise<void> {
    const { response } = this;
    if (revocations.length > 0) this.send('revocations', revocations);
    if (!this.open || !response?.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      response.once('drain', resolve).once('close', resolve);
    });
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

  /** The past cannot be read: the reader comes again. */
  abort(): void {
    this.response?.destroy();
  }

  private alive(): void {
    this.aliveAt = performance.now();
    this.send('alive', {});
  }

  private send(event: string, data: unknown): void {
    const { response } = this;
    if (!response || !this.open) return;
    if (response.writableLength > MOST_BUFFERED_BYTES) return this.abort();
    // With a cursor before its time, who is cut off here would never ask for the rest.
    const id = this.caughtUp ? `id: ${this.cursor}\n` : '';
    response.write(`${id}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }
}
