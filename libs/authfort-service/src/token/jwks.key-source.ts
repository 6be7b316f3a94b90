import type { KeyObject } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { accessError } from '../errors/access-errors.js';
import type { Clock } from './clock.port.js';
import type { JwksFetcher, VerificationKey } from './jwks-fetch.js';
import { KeySource } from './key-source.port.js';

/** How long keys live in the cache; all in seconds. */
export interface JwksCacheOptions {
  /** A key that left the JWKS is trusted no longer than this. */
  readonly cacheTtlSeconds: number;
  /** How long known keys are trusted while the JWKS cannot be had. */
  readonly maxStaleSeconds: number;
  /** At most one fetch in this time on behalf of kids that are not known. */
  readonly cooldownSeconds: number;
}

/** Share of the cache time after which the keys are fetched anew in the background, so that no request waits. */
const REFRESH_AHEAD = 0.8;

/**
 * The auth server's public keys, cached.
 *
 * - Known kid: from memory. The cache is renewed ahead of time in the background; once it is past its time a request waits for the
 *   renewal, unless an attempt has failed lately: then the JWKS cannot be had, and the known keys serve on, up to the limit.
 * - Unknown kid: one fetch per cool-down, shared by all who wait. A kid that is missing from a JWKS younger than the cool-down
 *   is refused at once; so a flood of invented kids costs nothing, and a real new one is found by the next fetch.
 * - Nothing known: 503, never 401.
 */
export class JwksKeySource extends KeySource {
  private readonly logger = new Logger('JwksKeySource');
  private keys: ReadonlyMap<string, VerificationKey> = new Map();
  private fetchedAt = -Infinity;
  private attemptedAt = -Infinity;
  private lastAttemptFailed = false;
  private lastFailure = 'no attempt was made yet';
  private inFlight: Promise<void> | undefined;
  private fetches = 0;

  constructor(
    private readonly fetchKeys: JwksFetcher,
    private readonly options: JwksCacheOptions,
    private readonly clock: Clock,
  ) {
    super();
  }

  override getKey(kid: string, algorithm: string): KeyObject | Promise<KeyObject> {
    const age = this.age();
    const { cacheTtlSeconds, maxStaleSeconds } = this.options;
    if (age < cacheTtlSeconds) {
      const known = this.find(kid, algorithm);
      if (known && age >= cacheTtlSeconds * REFRESH_AHEAD) void this.attempt();
      return known ?? this.fetchAndFind(kid, algorithm);
    }
    if (age < maxStaleSeconds && this.knownToBeAway) {
      void this.attempt();
      const known = this.find(kid, algorithm);
      if (known) return known;
    }
    return this.fetchAndFind(kid, algorithm);
  }

  override get generation(): number {
    return this.fetches;
  }

  /**
   * From the refresh ahead of time on, each request has to come by here: it may be the one that starts it. So it has to while a clock
   * that was set back has made the age unknown.
   */
  override get settledUntilMs(): number {
    return this.now() < this.fetchedAt
      ? 0
      : (this.fetchedAt + this.options.cacheTtlSeconds * REFRESH_AHEAD) * 1000;
  }

  /** Whether there are keys to verify with. */
  async ready(): Promise<boolean> {
    if (!this.trusted) await this.attempt();
    return this.trusted;
  }

  /** The keys have changed: fetches them without waiting for the cool-down. Never throws. */
  async renew(): Promise<void> {
    // A fetch that is under way may have been answered before the change.
    await this.inFlight;
    this.attemptedAt = -Infinity;
    await this.attempt();
  }

  private async fetchAndFind(kid: string, algorithm: string): Promise<KeyObject> {
    await this.attempt();
    const known = this.trusted ? this.find(kid, algorithm) : undefined;
    if (known) return known;
    if (this.lastAttemptFailed || !this.trusted)
      throw accessError('keys_unavailable', {
        retryAfterSeconds: this.options.cooldownSeconds,
        cause: new Error(`the JWKS has not been fetched: ${this.lastFailure}`),
      });
    throw accessError('token_invalid');
  }

  /** Fetches, unless that was done within the cool-down; whoever asks during a fetch shares it. Never throws. */
  private attempt(): Promise<void> {
    if (this.inFlight) return this.inFlight;
    const now = this.now();
    const { cooldownSeconds, cacheTtlSeconds } = this.options;
    // A renewal waits no longer than the refresh-ahead leaves: a short cache time must not run out within a cool-down.
    const renewing = this.age() >= cacheTtlSeconds * REFRESH_AHEAD;
    const pause = renewing
      ? Math.min(cooldownSeconds, cacheTtlSeconds * (1 - REFRESH_AHEAD))
      : cooldownSeconds;
    const elapsed = now - this.attemptedAt;
    if (elapsed >= 0 && elapsed < pause) return Promise.resolve();
    this.attemptedAt = now;
    this.inFlight = this.fetch().finally(() => (this.inFlight = undefined));
    return this.inFlight;
  }

  private async fetch(): Promise<void> {
    try {
      this.keys = keepSame(await this.fetchKeys(), this.keys);
      this.fetchedAt = this.now();
      this.fetches += 1;
      if (this.lastAttemptFailed) this.logger.log('The JWKS can be had again');
      this.lastAttemptFailed = false;
    } catch (error) {
      this.lastFailure = reasonOf(error);
      if (!this.lastAttemptFailed)
        this.logger.warn(`The JWKS is unavailable (${this.lastFailure}); ${this.consequence()}`);
      this.lastAttemptFailed = true;
    }
  }

  private consequence(): string {
    return this.trusted ? 'the known keys stay in use' : 'guarded routes answer 503 until it is available';
  }

  private find(kid: string, algorithm: string): KeyObject | undefined {
    const found = this.keys.get(kid);
    return found?.algorithm === algorithm ? found.key : undefined;
  }

  /** A failure says nothing of now when it is long ago: after an idle time a request waits and asks again. */
  private get knownToBeAway(): boolean {
    const elapsed = this.now() - this.attemptedAt;
    return this.lastAttemptFailed && elapsed >= 0 && elapsed < this.options.cacheTtlSeconds;
  }

  private get trusted(): boolean {
    const limit = this.lastAttemptFailed ? this.options.maxStaleSeconds : this.options.cacheTtlSeconds;
    return this.age() < limit;
  }

  /** A clock that was set back has made the age unknown: the keys are fetched anew. */
  private age(): number {
    const age = this.now() - this.fetchedAt;
    return age < 0 ? this.options.cacheTtlSeconds : age;
  }

  private now(): number {
    return this.clock.nowMs() / 1000;
  }
}

/** A key that stays remains the same object: what it has verified need not be verified again. */
function keepSame(
  fetched: ReadonlyMap<string, VerificationKey>,
  known: ReadonlyMap<string, VerificationKey>,
): ReadonlyMap<string, VerificationKey> {
  const same = (a: VerificationKey, b: VerificationKey | undefined) =>
    b !== undefined && a.algorithm === b.algorithm && a.key.equals(b.key);
  return new Map([...fetched].map(([kid, key]) => [kid, same(key, known.get(kid)) ? known.get(kid)! : key]));
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
