import type { RateLimitName, RateLimitRule, SigningAlgorithm } from './auth-fort.options.js';

/** What the options became: complete, checked and frozen. Inject with `@Inject(AUTHFORT_CONFIG)`. */
export interface AuthFortConfig {
  readonly accessTokenTtlSeconds: number;
  readonly refreshTokenTtlSeconds: number;
  readonly sessionAbsoluteTtlSeconds: number;
  readonly issuer: string;
  readonly audience: string | readonly string[] | undefined;
  readonly algorithm: SigningAlgorithm;
  readonly cookie: CookieConfig | undefined;
  readonly keyRotationSeconds: number;
  readonly jwksMaxAgeSeconds: number;
  readonly introspectSecrets: readonly string[];
  readonly allowSignup: boolean;
  readonly rateLimit:
    false | { redisUrl: string | undefined; rules: Readonly<Record<RateLimitName, RateLimitRule>> };
  readonly passwordMinLength: number;
  readonly passwordHashing: { readonly concurrency: number; readonly queue: number };
  readonly trustedProxies: readonly string[];
  readonly routePrefix: string;
  readonly corsOrigins: readonly string[];
  readonly keyEncryptionSecret: string | undefined;
  readonly claims: { readonly email: boolean; readonly name: boolean };
  readonly guard: 'closed' | 'decorated';
  readonly runMigrations: boolean;
}

/** Attributes of the two cookies. */
export interface CookieConfig {
  readonly domain: string | undefined;
  readonly secure: boolean;
  readonly sameSite: 'lax' | 'strict' | 'none';
  readonly path: string;
  readonly accessName: string;
  readonly refreshName: string;
}

/** DI token of {@link AuthFortConfig}. */
export const AUTHFORT_CONFIG = Symbol('AUTHFORT_CONFIG');
