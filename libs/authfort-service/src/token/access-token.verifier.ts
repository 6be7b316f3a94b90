import type { KeyObject } from 'node:crypto';
import { ExtractJwt, Strategy, type VerifiedCallback } from 'passport-jwt';
import { accessError } from '../errors/access-errors.js';
import { AuthFortError } from '../errors/auth-fort.error.js';
import { type AuthUser, toAuthUser } from './auth-user.js';
import type { Clock } from './clock.port.js';
import type { KeySource } from './key-source.port.js';
import { readTokenHeader, type TokenAlgorithm } from './token-header.js';

/** The name under which the strategy is registered with Passport. Passport's registry is process-wide, hence not `jwt`. */
export const STRATEGY_NAME = 'authfort';

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
}

/** The types of passport-jwt know keys as text only; jsonwebtoken 9, which it hands them to, takes a KeyObject. */
type Callback = (error: unknown, key?: Buffer) => void;

/** passport-jwt reports every error of the key source as a failure, which is 401. That the keys cannot be had is none. */
class AccessTokenStrategy extends Strategy {
  override authenticate(...[request, options]: Parameters<Strategy['authenticate']>): void {
    // Passport runs a copy of the strategy for each request, so this is not shared.
    const fail = this.fail.bind(this) as (info: unknown) => void;
    this.fail = (info: unknown) => {
      if (info instanceof AuthFortError && info.statusCode >= 500) this.error(info);
      else fail(info);
    };
    super.authenticate(request, options);
  }
}

/**
 * Verifies access tokens (RFC 9068 §4, RFC 8725). The signature, issuer and audience are checked by passport-jwt, whose
 * {@link strategy} is the one that Passport knows; header, times and the shape of the claims are checked here.
 */
export class AccessTokenVerifier {
  /** The passport-jwt strategy; it answers with an {@link AuthUser}. */
  readonly strategy: Strategy;

  constructor(private readonly options: AccessTokenVerifierOptions) {
    const { algorithms = ['RS256', 'ES256'], issuer, audience } = options;
    this.strategy = new AccessTokenStrategy(
      {
        jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
        secretOrKeyProvider: (_request, token: string, done: Callback) =>
          void this.provideKey(token, algorithms, done),
        algorithms: [...algorithms],
        issuer,
        audience: audience === undefined ? undefined : ([audience].flat() as string[]),
        // Times are judged by the injected clock, in `judge`.
        ignoreExpiration: true,
        jsonWebTokenOptions: { ignoreNotBefore: true },
      },
      (payload: unknown, done: VerifiedCallback) => this.judge(payload, done),
    );
    this.strategy.name = STRATEGY_NAME;
  }

  /** @throws AuthFortError `token_invalid`, `token_expired`, `keys_unavailable` */
  verify(token: string): Promise<AuthUser> {
    // The strategy takes its token from a header line, where white space would end it.
    if (/\s/.test(token)) return Promise.reject(accessError('token_invalid'));
    return new Promise((resolve, reject) => {
      // Passport's way of running a strategy: a copy of it that has the callbacks.
      const run = Object.create(this.strategy) as Strategy;
      run.success = (user: AuthUser) => resolve(user);
      run.fail = (info: unknown) =>
        reject(info instanceof AuthFortError ? info : accessError('token_invalid', { cause: info }));
      run.error = (error: unknown) =>
        reject(error instanceof AuthFortError ? error : accessError('token_invalid', { cause: error }));
      run.authenticate({ headers: { authorization: `Bearer ${token}` } } as Parameters<
        Strategy['authenticate']
      >[0]);
    });
  }

  private async provideKey(
    token: string,
    algorithms: readonly TokenAlgorithm[],
    done: Callback,
  ): Promise<void> {
    try {
      const header = readTokenHeader(token, algorithms);
      if (!header) throw accessError('token_invalid');
      const key: KeyObject = await this.options.keySource.getKey(header.kid, header.algorithm);
      done(null, key as unknown as Buffer);
    } catch (error) {
      done(error);
    }
  }

  private judge(payload: unknown, done: VerifiedCallback): void {
    const user = toAuthUser(payload);
    const refusal = user ? this.refusalByTime(user) : 'token_invalid';
    if (refusal) done(null, false, accessError(refusal));
    else done(null, user);
  }

  private refusalByTime({ exp, iat, claims }: AuthUser): 'token_expired' | 'token_invalid' | undefined {
    const now = this.options.clock.now().getTime() / 1000;
    const { clockToleranceSeconds: tolerance } = this.options;
    if (exp + tolerance <= now) return 'token_expired';
    const { nbf } = claims;
    if (nbf !== undefined && !(typeof nbf === 'number' && nbf - tolerance <= now)) return 'token_invalid';
    return iat - tolerance <= now ? undefined : 'token_invalid';
  }
}
