import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { FeedError, toFeedError } from './feed.error.js';
import { backoffMs, FEED_TIMINGS, type FeedTimings, pause, refusedMs, watched } from './feed-timings.js';
import { FeedStatus, type FeedWay } from './feed.status.js';
import type { RevocationFeedSource } from './revocation-feed.source.js';
import { RevocationIntake } from './revocation.intake.js';
import type { RevocationList } from './revocation-list.js';
import { RevocationPoller } from './revocation-poller.js';
import type { StalePolicy } from './stale.policy.js';

/** What a feed works with. */
export interface RevocationFeedParts {
  /** Undefined: no feed is configured. */
  readonly source: RevocationFeedSource | undefined;
  readonly list: RevocationList;
  readonly stalePolicy: StalePolicy;
  /** A key was revoked: the JWKS has changed. */
  readonly onKeyRevoked: () => void;
  readonly timings?: FeedTimings;
}

/** What an app is shown of the feed, for metrics. */
export interface RevocationFeedState {
  /** Whether the feed arrives, and how. */
  readonly connected: boolean;
  readonly via: FeedWay | undefined;
  /** Nothing has been heard for `maxStaleSeconds`, or nothing at all yet: `whenStale` applies. */
  readonly stale: boolean;
  /** When the feed last said that everything has been told; undefined: not yet. */
  readonly lastHeardAt: Date | undefined;
  /** How many revocations are remembered. */
  readonly entries: number;
  /**
   * Entries were dropped (`maxEntries`, or a clock that was set back): `whenStale` applies to tokens issued before this moment. Undefined:
   * the list is complete.
   */
  readonly incompleteBefore: Date | undefined;
}

/** Nothing came although something answered: then something between may hold streams back, and polls may get through. */
const POLLED_AFTER = new Set<FeedError['kind']>(['unusable', 'silent', 'nonsense']);

/**
 * Keeps the list of revocations in step with the auth server, from the start of the app to its end, without keeping anybody waiting: by
 * a stream, or by polling where streams do not get through.
 */
export class RevocationFeedClient implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly source: RevocationFeedSource | undefined;
  private readonly list: RevocationList;
  private readonly stalePolicy: StalePolicy;
  private readonly status: FeedStatus;
  private readonly stopping = new AbortController();
  private readonly timings: FeedTimings;
  private readonly intake: RevocationIntake;
  private running: Promise<void> = Promise.resolve();

  constructor({ source, list, stalePolicy, onKeyRevoked, timings = FEED_TIMINGS }: RevocationFeedParts) {
    this.source = source;
    this.list = list;
    this.stalePolicy = stalePolicy;
    this.status = new FeedStatus(stalePolicy.consequence);
    this.timings = timings;
    this.intake = new RevocationIntake(list, stalePolicy, onKeyRevoked);
  }

  /** Undefined: no feed is configured. */
  get state(): RevocationFeedState | undefined {
    if (!this.source) return undefined;
    const { stale, lastHeardAt } = this.stalePolicy;
    const { way } = this.status;
    const { size: entries, incompleteUntil } = this.list;
    const incompleteBefore = incompleteUntil === undefined ? undefined : new Date(incompleteUntil * 1000);
    return { connected: way !== undefined, via: way, stale, lastHeardAt, entries, incompleteBefore };
  }

  onApplicationBootstrap(): void {
    if (this.source) this.running = this.run(this.source, this.stopping.signal);
  }

  /** Last of all: requests that are still being answered are judged by what is revoked meanwhile. */
  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(source: RevocationFeedSource, stop: AbortSignal): Promise<void> {
    const poller = new RevocationPoller(source, this.intake, this.status, this.timings);
    for (let failures = 0; !stop.aborted;) {
      const { told, error } = await this.follow(source, poller, stop);
      if (stop.aborted) break;
      failures = told ? 0 : failures + 1;
      if (error?.kind === 'nonsense') this.intake.distrust();
      if (!told && error && POLLED_AFTER.has(error.kind)) poller.start();
      if (!told && error && !poller.works) this.status.isAway(error);
      // The first pause counts from none: 0.2 s, doubled from there on.
      const wait =
        error?.kind === 'refused'
          ? refusedMs(this.timings)
          : backoffMs(Math.max(0, failures - 1), this.timings, source.retryMs);
      await this.waitFor(poller, wait, stop);
    }
    await poller.stop();
  }

  /** One stream, from its beginning to its end. */
  private async follow(
    source: RevocationFeedSource,
    poller: RevocationPoller,
    stop: AbortSignal,
  ): Promise<{ told: boolean; error?: FeedError }> {
    let told = false;
    const reading = this.intake.begin();
    try {
      await watched(stop, this.timings.silenceMs, async (signal, alive) => {
        for await (const message of source.stream(reading.cursor, signal)) {
          alive();
          this.intake.take(message, reading);
          if (!told) void poller.stop();
          told = true;
          this.status.arrives('stream');
          if (performance.now() >= reading.readAnewAt) return;
        }
        if (!told) throw new FeedError('unusable', 'the stream ended before anything came');
      });
      return { told };
    } catch (error) {
      return { told, error: toFeedError(error) };
    }
  }

  /** While polls work there is time; when they stop working, the stream is as good an attempt as any. */
  private async waitFor(poller: RevocationPoller, ms: number, stop: AbortSignal): Promise<void> {
    const until = performance.now() + this.timings.streamAgainMs;
    do await pause(ms, stop);
    while (poller.works && performance.now() < until && !stop.aborted);
  }
}
