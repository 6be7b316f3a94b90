import { Logger } from '@nestjs/common';
import type { AuthUser } from '../token/auth-user.js';
import type { Clock } from '../token/clock.port.js';
import { type RevocationRefusal, TokenRevocations } from '../token/token-revocations.port.js';
import type { Revocation, RevokedSession, RevokedUser } from './revocation.js';

/** Bounds of a {@link RevocationList}. */
export interface RevocationListOptions {
  /** How many sessions and users are remembered at most. */
  readonly maxEntries: number;
  /** How much the clocks may differ, in seconds. */
  readonly clockToleranceSeconds: number;
}

/** Entries that end about the same time: they go together, without a look at each of the others. */
interface Batch {
  readonly sids: string[];
  readonly subs: string[];
  /** Of all that are in it. */
  latestAt: number;
}

const BATCH_SECONDS = 10;
/** So many are dropped at once when there are too many, so that this is not done for each that comes. */
const DROPPED_SHARE = 0.1;
const MAX_KEYS = 10_000;

/**
 * What was revoked and would be good otherwise. It forgets nothing silently: where there are too many entries, the oldest make way for a
 * moment before which every token is refused. Their clients refresh, and the auth server refuses those that it has to.
 */
export class RevocationList extends TokenRevocations {
  private readonly logger = new Logger('RevocationList');
  private readonly sessions = new Map<string, number>();
  private readonly users = new Map<string, { readonly ver: number; readonly exp: number }>();
  /** For the life of the process: a compromised key is not trusted again, whatever a cached JWKS says. */
  private readonly keys = new Set<string>();
  private readonly batches = new Map<number, Batch>();
  private additions = 0;
  private notBefore = -Infinity;
  private sweptAt = -Infinity;
  /** The latest moment of what was left out as expired: it was that by a clock that may be set back. */
  private expiredUntil = -Infinity;
  private overflowed = false;

  constructor(
    private readonly options: RevocationListOptions,
    private readonly clock: Clock,
  ) {
    super();
  }

  override get epoch(): number {
    return this.additions;
  }

  /** How many sessions, users and keys are remembered. */
  get size(): number {
    return this.sessions.size + this.users.size + this.keys.size;
  }

  override refusalOf(
    { sessionId, sub, tokenVersion, iat }: AuthUser,
    kid: string,
  ): RevocationRefusal | undefined {
    const now = this.clock.nowMs() / 1000;
    // Set back: not only when the feed is heard the next time.
    if (now < this.sweptAt) this.sweep(now);
    if (this.keys.has(kid)) return 'token_invalid';
    if (sessionId !== null && this.sessions.has(sessionId)) return 'session_revoked';
    const user = this.users.get(sub);
    if (user && tokenVersion < user.ver) return 'token_version_mismatch';
    return iat <= this.notBefore ? 'token_version_mismatch' : undefined;
  }

  /**
   * Adds what is news; repeated entries are none.
   * @returns whether a key was among the news: then the JWKS has changed
   */
  add(revocations: readonly Revocation[]): { keyRevoked: boolean } {
    const now = this.clock.nowMs() / 1000;
    const keysBefore = this.keys.size;
    this.sweep(now);
    for (const revocation of revocations) {
      if ('kid' in revocation) this.addKey(revocation.kid);
      else if (this.matters(revocation, now)) this.addEntry(revocation);
    }
    return { keyRevoked: this.keys.size > keysBefore };
  }

  private matters({ at, exp }: Revocation, now: number): boolean {
    const { clockToleranceSeconds: tolerance } = this.options;
    const expired = exp + tolerance <= now;
    if (expired) this.expiredUntil = Math.max(this.expiredUntil, at + tolerance);
    return !expired && at + tolerance > this.notBefore;
  }

  private addKey(kid: string): void {
    if (this.keys.has(kid)) return;
    if (this.keys.size >= MAX_KEYS) throw new Error('more keys were revoked than an auth server has');
    this.keys.add(kid);
    this.additions += 1;
  }

  private addEntry(revocation: RevokedSession | RevokedUser): void {
    const { at, exp } = revocation;
    if ('sid' in revocation) {
      const known = this.sessions.get(revocation.sid);
      if (known !== undefined && known >= exp) return;
      this.sessions.set(revocation.sid, exp);
      this.batchOf(exp, at).sids.push(revocation.sid);
    } else {
      const known = this.users.get(revocation.sub);
      if (known && known.ver >= revocation.ver && known.exp >= exp) return;
      // A version never falls: what was dead stays dead.
      const merged = {
        ver: Math.max(revocation.ver, known?.ver ?? -Infinity),
        exp: Math.max(exp, known?.exp ?? -Infinity),
      };
      this.users.set(revocation.sub, merged);
      this.batchOf(merged.exp, at).subs.push(revocation.sub);
    }
    this.additions += 1;
    if (this.sessions.size + this.users.size > this.options.maxEntries) this.dropOldest();
  }

  private batchOf(exp: number, at: number): Batch {
    const end = batchEnd(exp);
    let batch = this.batches.get(end);
    if (!batch) this.batches.set(end, (batch = { sids: [], subs: [], latestAt: at }));
    batch.latestAt = Math.max(batch.latestAt, at);
    return batch;
  }

  /** Drops what has expired: whole batches, at most once for each of their lengths. */
  private sweep(now: number): void {
    if (now >= this.sweptAt && now < this.sweptAt + BATCH_SECONDS) return;
    // The clock was set back: tokens are good again whose revocation was dropped.
    if (now < this.sweptAt) this.refuseBefore(this.expiredUntil);
    this.sweptAt = now;
    for (const end of this.batches.keys())
      if (end + this.options.clockToleranceSeconds <= now)
        this.expiredUntil = Math.max(this.expiredUntil, this.forget(end));
  }

  /** What ends first was revoked first, by and large; the batch's own latest moment makes it exact. */
  private dropOldest(): void {
    const target = Math.floor(this.options.maxEntries * (1 - DROPPED_SHARE));
    for (const end of [...this.batches.keys()].sort((a, b) => a - b)) {
      if (this.sessions.size + this.users.size <= target) break;
      this.refuseBefore(this.forget(end));
    }
    if (!this.overflowed)
      this.logger.warn(
        `More than ${this.options.maxEntries} revocations (revocations.maxEntries): the oldest make way, and tokens from before them are refused until they are refreshed`,
      );
    this.overflowed = true;
  }

  private refuseBefore(moment: number): void {
    if (moment <= this.notBefore) return;
    this.notBefore = moment;
    this.additions += 1;
  }

  /** @returns the moment up to which what it was about can have been issued */
  private forget(end: number): number {
    const { sids, subs, latestAt } = this.batches.get(end)!;
    this.batches.delete(end);
    // Some have been revoked anew since, and are in a later batch too.
    for (const sid of sids) if (batchEnd(this.sessions.get(sid) ?? -1) === end) this.sessions.delete(sid);
    for (const sub of subs) if (batchEnd(this.users.get(sub)?.exp ?? -1) === end) this.users.delete(sub);
    return latestAt + this.options.clockToleranceSeconds;
  }
}

function batchEnd(exp: number): number {
  return Math.ceil(exp / BATCH_SECONDS) * BATCH_SECONDS;
}
