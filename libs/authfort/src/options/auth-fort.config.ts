import type { MailTexts, MailTransport } from './mail.options.js';
import type { RateLimitName, RateLimitRule, SigningAlgorithm, WebhookOptions } from './auth-fort.options.js';

/** What the options became: complete, checked and frozen. Inject with `@Inject(AUTHFORT_CONFIG)`. */
export interface AuthFortConfig {
  readonly accessTokenTtlSeconds: number;
  readonly refreshTokenTtlSeconds: number;
  readonly sessionAbsoluteTtlSeconds: number;
  readonly maxSessionsPerUser: number;
  readonly issuer: string;
  readonly audience: string | readonly string[] | undefined;
  readonly algorithm: SigningAlgorithm;
  readonly cookie: CookieConfig | undefined;
  readonly keyRotationSeconds: number;
  readonly jwksMaxAgeSeconds: number;
  readonly introspectSecrets: readonly string[];
  readonly revokeOnRoleChange: boolean;
  readonly maxRevocationStreams: number;
  readonly allowSignup: boolean;
  readonly rateLimit:
    false | { redisUrl: string | undefined; rules: Readonly<Record<RateLimitName, RateLimitRule>> };
  readonly allowPasswordlessSignup: boolean;
  readonly requireVerifiedEmail: boolean;
  readonly passwordPolicy: {
    readonly minLength: number;
    readonly breachCheck: BreachCheckConfig | undefined;
    readonly history: number;
  };
  readonly passwordResetTtlSeconds: number;
  readonly emailVerifyTtlSeconds: number;
  readonly magicLinkTtlSeconds: number;
  readonly emailOtpTtlSeconds: number;
  readonly frontendUrl: string | undefined;
  readonly mail: MailConfig;
  readonly webhooks: readonly WebhookOptions[];
  readonly auditRetentionSeconds: number;
  /** Neither development nor a test. */
  readonly production: boolean;
  readonly passwordHashing: { readonly concurrency: number; readonly queue: number };
  readonly trustedProxies: readonly string[];
  readonly routePrefix: string;
  readonly corsOrigins: readonly string[];
  readonly keyEncryptionSecret: string | undefined;
  readonly claims: { readonly email: boolean; readonly name: boolean; readonly permissions: boolean };
  readonly guard: 'closed' | 'decorated';
  readonly runMigrations: boolean;
  readonly shutdownDelaySeconds: number;
  readonly preparedStatements: boolean;
}

/** Where the lists of breached passwords are. */
export interface BreachCheckConfig {
  readonly url: string;
  readonly timeoutMs: number;
  readonly failClosed: boolean;
}

/** How mails are sent. */
export interface MailConfig {
  readonly smtpUrl: string | undefined;
  readonly transport: MailTransport | undefined;
  readonly from: string;
  readonly appName: string;
  readonly translations: Readonly<Record<string, Partial<MailTexts>>>;
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
