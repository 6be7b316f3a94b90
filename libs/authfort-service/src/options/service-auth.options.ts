import type { WhenStale } from '../revocation/stale.policy.js';
import type { TokenAlgorithm } from '../token/token-header.js';

/** Options of `ServiceAuthModule.forRoot()`. Only `jwksUrl` is needed. */
export interface ServiceAuthOptions {
  /** Where the auth server publishes its keys: `http://auth-server:8000/.well-known/jwks.json`. */
  jwksUrl: string;
  /** Expected `iss`. Default `authfort`. */
  issuer?: string;
  /** One of these has to be in `aud`. Default: not looked at. */
  audience?: string | readonly string[];
  /** Default: RS256 and ES256. */
  algorithms?: readonly TokenAlgorithm[];
  /** Also accept the token from this cookie. Default: bearer tokens only. */
  cookieName?: string;
  /** Origins whose pages may send state-changing requests by cookie, besides the service's own. Also of native shells: `capacitor://localhost`. */
  allowedOrigins?: readonly string[];
  /** For `@Introspect()`, `ServiceAuth.introspect()`, and `@Permissions()` where a token carries none: RFC 7662 endpoint of the auth server. */
  introspectUrl?: string;
  /** Secret for the introspection endpoint, at least 16 characters. */
  introspectSecret?: string;
  /** `closed` (default): every route needs a token unless it is `@Public()`. `decorated`: only what carries a decorator. */
  guard?: 'closed' | 'decorated';
  /** How long fetched keys are used, in seconds: a key that left the JWKS is trusted no longer. Default 300. */
  jwksCacheTtlSeconds?: number;
  /** How long known keys are trusted while the JWKS cannot be had, in seconds. Default 86 400. */
  jwksMaxStaleSeconds?: number;
  /** Shortest time between two fetches of the JWKS, in seconds. Default 5. */
  jwksCooldownSeconds?: number;
  /** How much the clocks may differ, in seconds. Default 5. */
  clockToleranceSeconds?: number;
  /** How many verified tokens are remembered, so that their signature is not verified again. Default 10 000; 0: none. */
  verifiedTokenCacheSize?: number;
  /** How long an introspection result is kept, in seconds; never past the token's end. Default 0: always asked. */
  introspectCacheTtlSeconds?: number;
  /** How long the auth server may take to answer, in seconds. Default 5. */
  httpTimeoutSeconds?: number;
  /** The auth server's feed of what was revoked. Default: none, so that a token holds until it expires. */
  revocations?: RevocationOptions;
  /** How long the app goes on serving after it was asked to stop, not ready any more, in seconds. Default 0, at most 300. See {@link Drain}. */
  shutdownDelaySeconds?: number;
}

/** How a service hears, within a second, which sessions, users and keys were revoked. */
export interface RevocationOptions {
  /** Where the feed is: `http://auth-server:8000/revocations`. */
  url: string;
  /** At least 16 characters. Default: `introspectSecret`, which is what the auth server asks for. */
  secret?: string;
  /**
   * The treatment of tokens for which the service lacks data: all tokens while the feed was silent for `maxStaleSeconds`, and older tokens
   * after entries were dropped (`maxEntries`). `allow` (default): tokens are valid until they expire, as without a feed. `introspect`: the
   * auth server is asked about each token. `deny`: 503 `revocations_unavailable`.
   */
  whenStale?: WhenStale;
  /** How long the feed may be silent, in seconds, 2 or more; it tells something every second. Default 10. */
  maxStaleSeconds?: number;
  /**
   * How many revoked sessions and users are remembered, 1000 or more. Beyond that the oldest are dropped, and `whenStale` applies to tokens
   * that were issued before them. Default 500 000, some 55 MB.
   */
  maxEntries?: number;
}
