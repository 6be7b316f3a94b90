import { accessError } from '../errors/access-errors.js';
import type { Clock } from '../token/clock.port.js';

/** What a service does while it does not hear what is revoked. */
export type WhenStale = 'allow' | 'introspect' | 'deny';

/** When the feed counts as not heard. */
export interface StalePolicyOptions {
  readonly whenStale: WhenStale;
  readonly maxStaleSeconds: number;
  /** How much the clock may be set back unnoticed, in seconds. */
  readonly clockToleranceSeconds: number;
}

/** Judges by the clock, when it is asked, whether what is known of revocations is recent enough. */
export class StalePolicy {
  private heardAt = -Infinity;
  private freshUntil = -Infinity;

  constructor(
    private readonly options: StalePolicyOptions,
    private readonly clock: Clock,
  ) {}

  /** Everything that was revoked before now is known. */
  heard(): void {
    this.heardAt = this.now();
    this.freshUntil = this.heardAt + this.options.maxStaleSeconds;
  }

  /** Nothing has been heard for too long, or nothing at all yet. */
  get stale(): boolean {
    const now = this.now();
    // A clock that was set back must not make it fresh for as long.
    return now >= this.freshUntil || now < this.heardAt - this.options.clockToleranceSeconds;
  }

  /** When {@link heard} was last said, by the clock. */
  get lastHeardAt(): Date | undefined {
    return this.heardAt === -Infinity ? undefined : new Date(this.heardAt * 1000);
  }

  /**
   * @returns whether a token has to be confirmed by the auth server
   * @throws AuthFortError `revocations_unavailable`
   */
  mustConfirm(): boolean {
    const { whenStale } = this.options;
    if (whenStale === 'allow' || !this.stale) return false;
    if (whenStale === 'introspect') return true;
    const silence =
      this.heardAt === -Infinity ? 'never' : `last ${Math.round(this.now() - this.heardAt)} s ago`;
    throw accessError('revocations_unavailable', {
      retryAfterSeconds: 2,
      cause: new Error(`the feed of revocations answered ${silence}`),
    });
  }

  /** What comes of it when the feed is not heard, for the log. */
  get consequence(): string {
    const { whenStale, maxStaleSeconds } = this.options;
    if (whenStale === 'allow')
      return 'what is revoked is let in until the feed can be had again, or its tokens expire';
    const when = `until it has been heard, and whenever it was not for ${maxStaleSeconds} s,`;
    return whenStale === 'deny'
      ? `${when} guarded routes answer 503`
      : `${when} the auth server is asked about each token`;
  }

  private now(): number {
    return this.clock.nowMs() / 1000;
  }
}
