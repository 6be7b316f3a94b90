import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { FeedFrame } from './feed-frame.js';
import { RevocationReader, type RevocationNews } from './revocation-reader.repository.js';
import { ReplicaSignal } from '../database/replica-signal.js';

/** Hears what is revoked. */
export interface RevocationSubscriber {
  /**
   * Called for each page of a look at the database, and after a look that found nothing new.
   * @param frame the new entries, shared by all subscribers; undefined: none
   * @param cursor with the last page: the position after it
   */
  heard(frame: FeedFrame | undefined, cursor: string | undefined): void;
  /** The server ends; nothing more will come. */
  ended(): void;
}

/** A look is due this often even when no notification has come. */
const POLL_MS = 500;

/** Looks once for all streams of this process: when something is announced, and twice a second. */
@Injectable()
export class RevocationHub implements BeforeApplicationShutdown {
  private readonly logger = new Logger('AuthFort');
  private readonly subscribers = new Set<RevocationSubscriber>();
  private snapshot: string | undefined;
  private timeline: string | undefined;
  private beginning: Promise<void> | undefined;
  private looking: Promise<void> | undefined;
  private again = false;
  private failed = false;
  private closed = false;
  private poll: NodeJS.Timeout | undefined;

  constructor(
    private readonly reader: RevocationReader,
    signal: ReplicaSignal,
  ) {
    signal.on('access', () => this.wake());
  }

  /**
   * Whatever becomes visible after this has resolved is told; what was visible before has to be read.
   * @returns takes the subscriber out again
   * @throws AuthFortError `unavailable`
   */
  async subscribe(subscriber: RevocationSubscriber): Promise<() => void> {
    this.subscribers.add(subscriber);
    const leave = (): void => void this.subscribers.delete(subscriber);
    try {
      if (this.snapshot === undefined) await this.begin();
    } catch (error) {
      leave();
      throw error;
    }
    if (this.closed) subscriber.ended();
    this.poll ??= setInterval(() => this.wake(), POLL_MS).unref();
    return leave;
  }

  beforeApplicationShutdown(): void {
    this.closed = true;
    clearInterval(this.poll);
    this.dismiss();
  }

  /** Also when another server has taken over from the database: its snapshots say nothing of those before, so that all begin anew. */
  private dismiss(): void {
    this.snapshot = undefined;
    for (const subscriber of this.subscribers) subscriber.ended();
    this.subscribers.clear();
  }

  /** A reader that fails must not keep the others from hearing. */
  private tell(
    subscriber: RevocationSubscriber,
    frame: FeedFrame | undefined,
    cursor: string | undefined,
  ): void {
    try {
      subscriber.heard(frame, cursor);
    } catch (error) {
      this.logger.error(`A reader of the revocations failed: ${String(error)}`);
      this.subscribers.delete(subscriber);
      subscriber.ended();
    }
  }

  /** Shared by all who come at once: a second snapshot would leave out what became visible between the two. */
  private begin(): Promise<void> {
    this.beginning ??= this.reader
      .news()
      .then(({ snapshot, timeline }) => {
        this.snapshot = snapshot;
        this.timeline = timeline;
      })
      .finally(() => (this.beginning = undefined));
    return this.beginning;
  }

  private wake(): void {
    if (this.closed) return;
    if (this.looking) this.again = true;
    else this.looking = this.lookAll().finally(() => (this.looking = undefined));
  }

  private async lookAll(): Promise<void> {
    do {
      this.again = false;
      await this.look();
    } while (this.again && !this.closed);
  }

  private async look(): Promise<void> {
    // Who comes when nobody is here begins anew.
    if (this.subscribers.size === 0) this.snapshot = undefined;
    if (this.snapshot === undefined) return;
    try {
      const news = await this.reader.news(this.snapshot);
      // A look that fails between two pages is repeated from its beginning.
      for (let page: RevocationNews | undefined = news; page;) {
        const { revocations, next, timeline } = page as RevocationNews;
        if (timeline !== this.timeline) return this.dismiss();
        const frame = revocations.length > 0 ? new FeedFrame(revocations) : undefined;
        for (const subscriber of this.subscribers)
          this.tell(subscriber, frame, next ? undefined : news.cursor);
        page = next && (await this.reader.moreNews(next));
      }
      this.snapshot = news.snapshot;
      if (this.failed) this.logger.log('The revocations can be read again');
      this.failed = false;
    } catch (error) {
      if (!this.failed)
        this.logger.warn(
          `The revocations could not be read; services are told when they can be: ${String(error)}`,
        );
      this.failed = true;
    }
  }
}
