import { accessError } from '../errors/access-errors.js';
import type { AuthUser } from '../token/auth-user.js';
import type { Clock } from '../token/clock.port.js';
import type { RevocationList } from './revocation-list.js';

/** How a service decides about a token while it does not know whether the token was revoked. */
export type WhenStale = 'allow' | 'introspect' | 'deny';

/** When the feed counts as not heard. */
export interface StalePolicyOptions {
  readonly whenStale: WhenStale;
  readonly maxStaleSeconds: number;
  /** How much the clock may be set back unnoticed, in seconds. */
  readonly clockToleranceSeconds: number;
}

/** Decides about tokens for which the service lacks data: while the feed is stale, and after the list dropped entries. */
export class StalePolicy {
  private heardAt = -Infinity;
  private freshUntil = -Infinity;

  constructor(
    private readonly options: StalePolicyOptions,
    private readonly clock: Clock,
    private readonly list: Pick<RevocationList, 'isUncertain'>,
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
   * @param user of a verified token that is not known to be revoked
   * @returns whether the token has to be confirmed by the auth server
   * @throws AuthFortError `revocations_unavailable`
   */
  mustConfirm(user: AuthUser): boolean {
    const { whenStale } = this.options;
    if (whenStale === 'allow' || !(this.stale || this.list.isUncertain(user))) return false;
    if (whenStale === 'introspect') return true;
    throw accessError('revocations_unavailable', {
      retryAfterSeconds: 2,
      cause: new Error(this.reason()),
    });
  }

  private reason(): string {
    if (!this.stale)
      return 'entries about this token may have been dropped (revocations.maxEntries, or a changed clock)';
    return this.heardAt === -Infinity
      ? 'the revocation feed was never received'
      : `the revocation feed was last received ${Math.round(this.now() - this.heardAt)} s ago`;
  }

  /** What comes of it when the feed is not heard, for the log. */
  get consequence(): string {
    const { whenStale, maxStaleSeconds } = this.options;
    if (whenStale === 'allow')
      return 'Revoked tokens are accepted until the feed is available again, or until they expire';
    const when = `Until the feed is available, and whenever it was silent for ${maxStaleSeconds} s,`;
    return whenStale === 'deny' ? `${when} guarded routes answer 503` : `${when} each token is introspected`;
  }

  private now(): number {
    return this.clock.nowMs() / 1000;
  }
}
