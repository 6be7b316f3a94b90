import { Logger } from '@nestjs/common';
import type { AuthUser } from '../token/auth-user.js';
import type { Clock } from '../token/clock.port.js';
import { type RevocationRefusal, TokenRevocations } from '../token/token-revocations.port.js';
import type { KeptSession, Revocation, RevokedSession, RevokedUser } from './revocation.js';

/** Bounds of a {@link RevocationList}. */
export interface RevocationListOptions {
  /** How many sessions and users are remembered at most. */
  readonly maxEntries: number;
  /** How much the clocks may differ, in seconds. */
  readonly clockToleranceSeconds: number;
}

/** Revokes the tokens of a user below a version, except the tokens of one session. */
interface EndedUser {
  readonly ver: number;
  readonly exp: number;
  readonly except: KeptSession | undefined;
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
 * Revoked sessions, users and keys whose tokens have not expired. The list forgets nothing silently: beyond `maxEntries` it drops the
 * oldest entries and is uncertain of every token that was issued before them ({@link isUncertain}). It refuses only tokens that it knows
 * to be revoked; {@link StalePolicy} decides about the uncertain ones.
 */
export class RevocationList extends TokenRevocations {
  private readonly logger = new Logger('RevocationList');
  private readonly sessions = new Map<string, number>();
  private readonly users = new Map<string, EndedUser>();
  /** For the life of the process: a compromised key is not trusted again, whatever a cached JWKS says. */
  private readonly keys = new Set<string>();
  private readonly batches = new Map<number, Batch>();
  private additions = 0;
  private forgottenUntil = -Infinity;
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

  /** Tokens issued up to this moment (seconds since 1970) may have been revoked by entries that were dropped; undefined: none. */
  get incompleteUntil(): number | undefined {
    return this.forgottenUntil === -Infinity ? undefined : this.forgottenUntil;
  }

  /** Whether an entry about this token may have been dropped: for `maxEntries`, or as expired by a clock that was set back since. */
  isUncertain({ iat }: AuthUser): boolean {
    const now = this.clock.nowMs() / 1000;
    if (now < this.sweptAt) this.sweep(now);
    return iat <= this.forgottenUntil;
  }

  override refusalOf({ sessionId, sub, tokenVersion }: AuthUser, kid: string): RevocationRefusal | undefined {
    if (this.keys.has(kid)) return 'token_invalid';
    if (sessionId !== null && this.sessions.has(sessionId)) return 'session_revoked';
    const user = this.users.get(sub);
    if (!user || tokenVersion >= user.ver) return undefined;
    const kept = user.except?.sid === sessionId && tokenVersion >= user.except.ver;
    return kept ? undefined : 'token_version_mismatch';
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
    return !expired && at + tolerance > this.forgottenUntil;
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
      // A version never falls: tokens that were dead stay dead.
      const { ver, except } = known && known.ver >= revocation.ver ? known : revocation;
      const merged = { ver, except, exp: Math.max(exp, known?.exp ?? -Infinity) };
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
    // The clock was set back: tokens whose revocation was dropped have not expired after all.
    if (now < this.sweptAt) this.forgetUntil(this.expiredUntil);
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
      this.forgetUntil(this.forget(end));
    }
    if (!this.overflowed)
      this.logger.warn(
        `More than ${this.options.maxEntries} revocations (revocations.maxEntries): the oldest are dropped. Until they are refreshed, revocations.whenStale applies to tokens issued before them. Raise revocations.maxEntries if this repeats`,
      );
    this.overflowed = true;
  }

  private forgetUntil(moment: number): void {
    this.forgottenUntil = Math.max(this.forgottenUntil, moment);
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
