import { type FeedError, toFeedError } from './feed.error.js';
import { backoffMs, type FeedTimings, pause, refusedMs, watched } from './feed-timings.js';
import type { FeedStatus } from './feed.status.js';
import type { RevocationFeedSource } from './revocation-feed.source.js';
import type { FeedReading, RevocationIntake } from './revocation.intake.js';

/** Asks for what is new once a second, where streams do not get through: some proxies hold them back. */
export class RevocationPoller {
  private stopping: AbortController | undefined;
  private running: Promise<void> = Promise.resolve();
  private succeeded = false;

  constructor(
    private readonly source: RevocationFeedSource,
    private readonly intake: RevocationIntake,
    private readonly status: FeedStatus,
    private readonly timings: FeedTimings,
  ) {}

  /** Whether the last poll has been answered. */
  get works(): boolean {
    return this.succeeded;
  }

  start(): void {
    if (this.stopping) return;
    this.stopping = new AbortController();
    this.running = this.run(this.stopping.signal);
  }

  /** @returns when nothing of it is left open */
  stop(): Promise<void> {
    this.stopping?.abort();
    this.stopping = undefined;
    this.succeeded = false;
    return this.running;
  }

  private async run(stop: AbortSignal): Promise<void> {
    let reading = this.intake.begin();
    for (let failures = 0; !stop.aborted;) {
      if (performance.now() >= reading.readAnewAt || this.intake.isOutdated(reading))
        reading = this.intake.begin();
      try {
        await this.readAll(reading, stop);
        failures = 0;
      } catch (error) {
        if (stop.aborted) return;
        failures += 1;
        const failure = toFeedError(error);
        if (this.failed(failure)) reading = this.intake.begin();
        if (failure.kind === 'refused') await pause(refusedMs(this.timings), stop);
      }
      await pause(failures ? backoffMs(failures, this.timings) : this.timings.pollMs, stop);
    }
  }

  private async readAll(reading: FeedReading, stop: AbortSignal): Promise<void> {
    for (let more = true; more && !stop.aborted;) {
      const message = await watched(stop, this.timings.pollTimeoutMs, (signal) =>
        this.source.poll(reading.cursor, signal),
      );
      if (stop.aborted) return;
      this.intake.take(message, reading);
      more = !message.upToDate;
    }
    this.succeeded = true;
    this.status.arrives('polling');
  }

  /** @returns whether everything has to be read anew */
  private failed(error: FeedError): boolean {
    this.succeeded = false;
    this.status.isAway(error);
    if (error.kind !== 'nonsense') return false;
    this.intake.distrust();
    return true;
  }
}
