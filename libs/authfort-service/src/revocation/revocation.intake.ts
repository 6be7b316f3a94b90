import { Logger } from '@nestjs/common';
import { FeedError } from './feed.error.js';
import type { FeedMessage } from './revocation-feed.source.js';
import type { RevocationList } from './revocation-list.js';
import type { StalePolicy } from './stale.policy.js';

/** One reading of the feed, by a stream or by asking again and again. */
export interface FeedReading {
  /** It began with everything that matters. */
  readonly full: boolean;
  /** Where it goes on from. */
  cursor: string | undefined;
  /** Something in it was not understood. Everything has to be read anew at this time (of `performance.now()`). */
  readAnewAt: number;
  /** How often there had been reason for distrust when it began. */
  readonly doubts: number;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Takes in what the feed tells, and knows how complete that is. Where something was not understood, something was revoked and it is not
 * known what: from then on nothing that is heard counts as recent ({@link StalePolicy}) until everything has been read once
 * more, without a cursor, and understood.
 */
export class RevocationIntake {
  private readonly logger = new Logger('RevocationFeed');
  private cursor: string | undefined;
  private complete = false;
  private doubts = 0;
  private pauseMs = FIRST_PAUSE_MS;
  private warned = false;

  constructor(
    private readonly list: RevocationList,
    private readonly stalePolicy: StalePolicy,
    private readonly onKeyRevoked: () => void,
  ) {}

  /** Begins where the last reading left off, or anew where that was not understood. */
  begin(): FeedReading {
    return {
      full: this.cursor === undefined,
      cursor: this.cursor,
      readAnewAt: Infinity,
      doubts: this.doubts,
    };
  }

  /** Whether a reading can still make the feed complete: another one may have found what is not understood meanwhile. */
  isOutdated({ doubts, full }: FeedReading): boolean {
    return !full && doubts !== this.doubts;
  }

  /** @throws FeedError `nonsense` */
  take({ revocations, malformed, cursor, upToDate }: FeedMessage, reading: FeedReading): void {
    this.add(revocations);
    reading.cursor = cursor ?? reading.cursor;
    if (malformed > 0) this.spoil(reading);
    if (upToDate && reading.full && reading.readAnewAt === Infinity) this.completed();
    if (!this.complete) return;
    this.cursor = reading.cursor;
    if (upToDate) this.stalePolicy.heard();
  }

  /** Nothing that was not understood is believed to have been harmless. */
  distrust(): void {
    this.doubts += 1;
    this.complete = false;
    this.cursor = undefined;
  }

  private add(revocations: FeedMessage['revocations']): void {
    try {
      if (this.list.add(revocations).keyRevoked) this.onKeyRevoked();
    } catch (cause) {
      throw new FeedError('nonsense', cause instanceof Error ? cause.message : 'unknown reason', { cause });
    }
  }

  private completed(): void {
    this.complete = true;
    this.pauseMs = FIRST_PAUSE_MS;
    if (this.warned) this.logger.log('Every revocation is understood again');
    this.warned = false;
  }

  private spoil(reading: FeedReading): void {
    this.distrust();
    if (reading.readAnewAt === Infinity) {
      reading.readAnewAt = performance.now() + this.pauseMs;
      this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
    }
    if (!this.warned)
      this.logger.warn(
        'A revocation of the feed is not understood: the feed counts as not heard until everything has been read anew',
      );
    this.warned = true;
  }
}
