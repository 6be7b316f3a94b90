import type { KeyObject } from 'node:crypto';
import type { Strategy } from 'passport-jwt';
import { accessError } from '../errors/access-errors.js';
import { AccessTokenStrategy } from './access-token.strategy.js';
import type { AuthUser } from './auth-user.js';
import type { Clock } from './clock.port.js';
import type { KeySource } from './key-source.port.js';
import type { TokenAlgorithm } from './token-header.js';
import { TokenRevocations } from './token-revocations.port.js';
import { type SignedBy, type Stamp, type VerifiedToken, VerifiedTokenCache } from './verified-token.cache.js';

/** What a verifier is made of. */
export interface AccessTokenVerifierOptions {
  readonly keySource: KeySource;
  readonly issuer: string;
  /** One of these has to be in `aud`. Without it `aud` is not looked at. */
  readonly audience?: string | readonly string[];
  /** Default: RS256 and ES256. */
  readonly algorithms?: readonly TokenAlgorithm[];
  /** How much the clocks may differ, in seconds. */
  readonly clockToleranceSeconds: number;
  readonly clock: Clock;
  /** What has ended before its time. Default: nothing has. */
  readonly revocations?: TokenRevocations;
  /** How many verified tokens are remembered. Default 10 000; 0: each token is verified each time. */
  readonly cacheSize?: number;
}

class NoRevocations extends TokenRevocations {
  override readonly epoch = 0;
  override refusalOf(): undefined {
    return undefined;
  }
}

/** What a token's judgement depends on, beside the clock. */
interface Readings {
  readonly epoch: number;
  readonly generation: number;
  readonly settledUntilMs: number;
}

/**
 * Verifies access tokens (RFC 9068 §4, RFC 8725). The signature is verified once, by passport-jwt; the token is then remembered with
 * the key that verified it. Each further time its end, the key and the revocations are asked anew as soon as any of them may say
 * something else, so a remembered token is refused whenever a new one would be.
 */
export class AccessTokenVerifier {
  /** The passport-jwt strategy that Passport knows; it answers with an {@link AuthUser}. It remembers nothing. */
  readonly strategy: Strategy;
  private readonly signatures: AccessTokenStrategy;
  private readonly cache: VerifiedTokenCache;
  private readonly revocations: TokenRevocations;
  private readonly keySource: KeySource;
  private readonly clock: Clock;
  private readonly toleranceSeconds: number;
  private readonly inFlight = new Map<string, Promise<AuthUser>>();

  constructor(options: AccessTokenVerifierOptions) {
    const { algorithms = ['RS256', 'ES256'], cacheSize = 10_000, revocations } = options;
    this.keySource = options.keySource;
    this.clock = options.clock;
    this.toleranceSeconds = options.clockToleranceSeconds;
    this.signatures = new AccessTokenStrategy({ ...options, algorithms }, (user, { kid }) =>
      this.judge(user, kid),
    );
    this.strategy = this.signatures;
    this.cache = new VerifiedTokenCache(cacheSize);
    this.revocations = revocations ?? new NoRevocations();
  }

  /**
   * At once when the token was verified before; else who asks for the same token meanwhile shares one verification.
   * @throws AuthFortError `token_invalid`, `token_expired`, `keys_unavailable`, and what was revoked: `session_revoked`,
   *   `token_version_mismatch`; at once or by the promise
   */
  verify(token: string): AuthUser | Promise<AuthUser> {
    const known = this.cache.byToken(token);
    if (known) return this.isSettled(known) ? known.user : this.reconsider(known);
    return this.inFlight.get(token) ?? this.verifyNew(token);
  }

  /**
   * The user of an `Authorization: Bearer` header whose token was verified before and of which nothing has to be asked anew. Undefined
   * says nothing about the token: then it has to be verified.
   */
  recall(authorization: string): AuthUser | undefined {
    const known = this.cache.byBearer(authorization);
    return known !== undefined && this.isSettled(known) ? known.user : undefined;
  }

  private isSettled({ stamp }: VerifiedToken): boolean {
    const now = this.clock.nowMs();
    return (
      now < stamp.untilMs &&
      now >= stamp.sinceMs &&
      stamp.generation === this.keySource.generation &&
      stamp.epoch === this.revocations.epoch
    );
  }

  /** Everything that may have changed since; the signature and the claims have not. */
  private reconsider(known: VerifiedToken): AuthUser | Promise<AuthUser> {
    const { kid, algorithm } = known.signedBy;
    const before = this.readings();
    const key = this.keySource.getKey(kid, algorithm);
    return key instanceof Promise
      ? key.then((found) => this.judgeAgain(known, found, before))
      : this.judgeAgain(known, key, before);
  }

  private judgeAgain(known: VerifiedToken, key: KeyObject, before: Readings): AuthUser | Promise<AuthUser> {
    const { user, token, signedBy } = known;
    if (key !== signedBy.key) {
      // Another key under the same kid has verified nothing yet.
      this.cache.delete(known);
      return this.inFlight.get(token) ?? this.verifyNew(token);
    }
    try {
      this.judge(user, signedBy.kid);
    } catch (error) {
      this.cache.delete(known);
      throw error;
    }
    known.stamp = this.stampOf(user, before);
    return user;
  }

  private verifyNew(token: string): Promise<AuthUser> {
    // The strategy takes its token from a header line, where white space would end it.
    if (/\s/.test(token)) return Promise.reject(accessError('token_invalid'));
    const verifying = this.verifyAndRemember(token).finally(() => this.inFlight.delete(token));
    this.inFlight.set(token, verifying);
    return verifying;
  }

  private async verifyAndRemember(token: string): Promise<AuthUser> {
    const before = this.readings();
    const { user, signedBy } = await this.signatures.verify(token);
    this.cache.add(token, user, signedBy, this.stampOf(user, before));
    return user;
  }

  /** They are read before anything is asked: what changes meanwhile is asked for again by the next request. */
  private readings(): Readings {
    const { generation, settledUntilMs } = this.keySource;
    return { generation, settledUntilMs, epoch: this.revocations.epoch };
  }

  private stampOf({ exp }: AuthUser, { epoch, generation, settledUntilMs }: Readings): Stamp {
    const endMs = (exp + this.toleranceSeconds) * 1000;
    return { epoch, generation, sinceMs: this.clock.nowMs(), untilMs: Math.min(endMs, settledUntilMs) };
  }

  /** @throws AuthFortError when its time is not now, or when it was revoked */
  private judge(user: AuthUser, kid: SignedBy['kid']): void {
    const refusal = this.refusalByTime(user) ?? this.revocations.refusalOf(user, kid);
    if (refusal) throw accessError(refusal);
  }

  private refusalByTime({ exp, iat, claims }: AuthUser): 'token_expired' | 'token_invalid' | undefined {
    const now = this.clock.nowMs() / 1000;
    const tolerance = this.toleranceSeconds;
    if (exp + tolerance <= now) return 'token_expired';
    const { nbf } = claims;
    if (nbf !== undefined && !(typeof nbf === 'number' && nbf - tolerance <= now)) return 'token_invalid';
    return iat - tolerance <= now ? undefined : 'token_invalid';
  }
}
