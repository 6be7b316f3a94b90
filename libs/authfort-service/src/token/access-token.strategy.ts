import { Strategy, type VerifiedCallback } from 'passport-jwt';
import { accessError } from '../errors/access-errors.js';
import { AuthFortError } from '../errors/auth-fort.error.js';
import { type AuthUser, toAuthUser } from './auth-user.js';
import { bearerTokenOf } from './bearer-token.js';
import type { KeySource } from './key-source.port.js';
import { readTokenHeader, type TokenAlgorithm } from './token-header.js';
import type { SignedBy } from './verified-token.cache.js';

/** The name under which the strategy is registered with Passport. Passport's registry is process-wide, hence not `jwt`. */
export const STRATEGY_NAME = 'authfort';

/** What a token must be, apart from the time and from what was revoked. */
export interface StrategyOptions {
  readonly keySource: KeySource;
  readonly issuer: string;
  readonly audience?: string | readonly string[];
  readonly algorithms: readonly TokenAlgorithm[];
}

/** Judges a token whose signature, issuer, audience and claims are good. @throws AuthFortError to refuse it */
export type TokenJudge = (user: AuthUser, signedBy: SignedBy) => void;

/** A user, and the key that the user's token was signed with. */
export interface SignedUser {
  readonly user: AuthUser;
  readonly signedBy: SignedBy;
}

/** The types of passport-jwt know keys as text only; jsonwebtoken 9, which it hands them to, takes a KeyObject. */
type Callback = (error: unknown, key?: Buffer) => void;
type PassportRequest = Parameters<Strategy['authenticate']>[0];

/** The signature, issuer and audience are checked by passport-jwt; header and the shape of the claims are checked here. */
export class AccessTokenStrategy extends Strategy {
  /** By request: what stands in a token's header is known before its signature is, its claims after that. */
  private readonly signatures: WeakMap<object, SignedBy>;

  constructor({ keySource, issuer, audience, algorithms }: StrategyOptions, judge: TokenJudge) {
    const signatures = new WeakMap<object, SignedBy>();
    const provideKey = async (request: object, token: string, done: Callback): Promise<void> => {
      try {
        const header = readTokenHeader(token, algorithms);
        if (!header) throw accessError('token_invalid');
        const key = await keySource.getKey(header.kid, header.algorithm);
        signatures.set(request, { ...header, key });
        done(null, key as unknown as Buffer);
      } catch (error) {
        done(error);
      }
    };
    super(
      {
        jwtFromRequest: bearerTokenOf,
        secretOrKeyProvider: (request: object, token: string, done: Callback) =>
          void provideKey(request, token, done),
        algorithms: [...algorithms],
        issuer,
        audience: audience === undefined ? undefined : ([audience].flat() as string[]),
        // Times are judged by the injected clock.
        ignoreExpiration: true,
        jsonWebTokenOptions: { ignoreNotBefore: true },
        passReqToCallback: true,
      },
      (request: object, payload: unknown, done: VerifiedCallback) => {
        try {
          const user = toAuthUser(payload);
          if (!user) throw accessError('token_invalid');
          judge(user, signatures.get(request)!);
          done(null, user);
        } catch (error) {
          done(null, false, error as AuthFortError);
        }
      },
    );
    this.signatures = signatures;
    this.name = STRATEGY_NAME;
  }

  /** passport-jwt reports every error of the key source as a failure, which is 401. That the keys cannot be had is none. */
  override authenticate(...[request, options]: Parameters<Strategy['authenticate']>): void {
    // Passport runs a copy of the strategy for each request, so this is not shared.
    const fail = this.fail.bind(this) as (info: unknown) => void;
    this.fail = (info: unknown) => {
      if (info instanceof AuthFortError && info.statusCode >= 500) this.error(info);
      else fail(info);
    };
    super.authenticate(request, options);
  }

  /** Runs the strategy on a token by itself. @throws AuthFortError */
  verify(token: string): Promise<SignedUser> {
    return new Promise((resolve, reject) => {
      const request = { headers: { authorization: `Bearer ${token}` } } as PassportRequest;
      const refuse = (reason: unknown) =>
        reject(reason instanceof AuthFortError ? reason : accessError('token_invalid', { cause: reason }));
      // Passport's way of running a strategy: a copy of it that has the callbacks.
      const run = Object.create(this) as this;
      run.success = (user: AuthUser) => resolve({ user, signedBy: this.signatures.get(request)! });
      run.fail = refuse;
      run.error = refuse;
      run.authenticate(request);
    });
  }
}
