import type { MailOptions } from './mail.options.js';

/** JWS algorithms that access tokens may be signed with (RFC 7518 §3.1). */
export type SigningAlgorithm = 'RS256' | 'ES256';

/** How the tokens travel as cookies. Leave the whole object out for a bearer-only server. */
export interface AuthFortCookieOptions {
  /** Parent domain of the access cookie, for example `.example.com`, so that sibling services receive it. Default: host-only. */
  domain?: string;
  /** Default `true`. `false` is refused in production. */
  secure?: boolean;
  /** Default `lax`. */
  sameSite?: 'lax' | 'strict' | 'none';
  /** Path of the access cookie. Default `/`. The refresh cookie's path is always the route prefix. */
  path?: string;
  /** Default `access_token`. */
  accessName?: string;
  /** Default `refresh_token`. */
  refreshName?: string;
}

/** How many requests a client may make in a window. */
export interface RateLimitRule {
  /** Requests per window. */
  points: number;
  /** Length of the window in seconds. */
  durationSeconds: number;
}

/**
 * The limits that can be set. `loginPerAccount` counts by address and e-mail, `mailPerAddress` by e-mail, `passwordCheck` by user, the
 * others by address. `passwordGuesses` bounds the passwords tried at one e-mail over all addresses; it is counted in the database, for
 * each network that its owner has signed in from apart. `mailRequest` is for what sends a mail, `redeem` for what takes a link's token or a code.
 */
export type RateLimitName =
  | 'signup'
  | 'login'
  | 'loginPerAccount'
  | 'refresh'
  | 'logout'
  | 'introspectDenied'
  | 'mailRequest'
  | 'mailPerAddress'
  | 'redeem'
  | 'passwordCheck'
  | 'profile'
  | 'export'
  | 'passwordGuesses';

/** Where the counters live, and exceptions from the default rules. */
export interface RateLimitOptions {
  /** `redis://…`: one count for all replicas. Without it each process counts for itself. */
  redisUrl?: string;
  /** Rules that differ from the defaults (see docs/reference/configuration.md). */
  rules?: Partial<Record<RateLimitName, RateLimitRule>>;
}

/** Automatic rotation of the signing key. */
export interface KeyRotationOptions {
  /** How long a key signs, in seconds. Default 2 592 000 (30 days); 0 switches the schedule off. */
  intervalSeconds?: number;
  /** `max-age` of the JWKS, in seconds. Default 60. A key signs no sooner than this after it was first published. */
  jwksMaxAgeSeconds?: number;
}

/** Bounds of the password hashing, which costs 64 MiB and some 60 ms of CPU each. */
export interface PasswordHashingOptions {
  /**
   * Hashes computed at the same time; fewer than the threads of the pool (4, or `UV_THREADPOOL_SIZE`). Default: the number of cores, at
   * most 3.
   */
  concurrency?: number;
  /** Requests that may wait; one more is answered 503 `overloaded`. Default 64. */
  queue?: number;
}

/** The check against lists of breached passwords. Only the first five characters of a SHA-1 leave the server. */
export interface BreachCheckOptions {
  /** Range API. Default `https://api.pwnedpasswords.com/range/`; the five characters are appended. */
  url?: string;
  /** Milliseconds to wait for an answer. Default 1500. */
  timeoutMs?: number;
  /** `true` refuses new passwords (503 `unavailable`) while the list cannot be asked. Default `false`. */
  failClosed?: boolean;
}

/** What a new password has to be. */
export interface PasswordPolicyOptions {
  /** Shortest password in characters, 8 to 128. Default 8. The longest is 1024. */
  minLength?: number;
  /** Refuse passwords that are known from breaches. Default `false`. */
  breachCheck?: boolean | BreachCheckOptions;
  /** How many earlier passwords may not come back, up to 24. Default 0; the present one never may. */
  history?: number;
}

/** An address that events are posted to, signed as Standard Webhooks have it. */
export interface WebhookOptions {
  /** Name in the outbox and in the dead-letter list; has to stay the same. */
  id: string;
  /** http(s) URL; a user and password in it are sent as Basic credentials. Redirects are not followed. */
  url: string;
  /** `whsec_` and 24 to 64 random bytes in base64. */
  secret: string;
  /** Names of events (`AuthEventName`). Default: all but `token_refreshed` and `rate_limit_exceeded`. */
  events?: readonly string[];
}

/** Options of `AuthFortModule.forRoot()`. All are optional; lifetimes are in seconds. */
export interface AuthFortOptions {
  /** Lifetime of an access token in seconds. Default 900. */
  accessTokenTtl?: number;
  /** Idle lifetime of a session in seconds: how long a refresh token is good for. Default 2 592 000 (30 days). */
  refreshTokenTtl?: number;
  /** Absolute lifetime of a session in seconds. Default 7 776 000 (90 days). */
  sessionAbsoluteTtl?: number;
  /**
   * Live sessions of one user, 1 to 1000. Default 100. A sign-in beyond that ends the session that was used longest ago.
   */
  maxSessionsPerUser?: number;
  /** `iss` of the tokens. Default `authfort`. A URL switches the discovery document on. */
  issuer?: string;
  /** `aud` of the tokens. Default: none. */
  audience?: string | readonly string[];
  /** Default `RS256`. A change takes effect at the next rotation. */
  algorithm?: SigningAlgorithm;
  /** Cookie delivery. Default: none, bearer tokens only. */
  cookie?: AuthFortCookieOptions;
  keyRotation?: KeyRotationOptions;
  /**
   * Secret (at least 16 characters) that services present at `/introspect` and `/revocations`. Several are accepted while one is being
   * replaced. Without it the routes do not exist.
   */
  introspectSecret?: string | readonly string[];
  /**
   * Whether services that follow the revocations are told when a user gets or loses a role, and then refuse the tokens with the old roles.
   * The auth server refuses them either way. Default `true`.
   */
  revokeOnRoleChange?: boolean;
  /**
   * Open streams of `/revocations/stream` for each introspection secret and each process of the auth server, 1 to 10 000. One more is answered with
   * 503 `overloaded`, and a service polls instead. Default 100.
   */
  maxRevocationStreams?: number;
  /** `false` closes `POST /signup`. Default `true`. */
  allowSignup?: boolean;
  /** `false` switches rate limiting off. */
  rateLimit?: false | RateLimitOptions;
  /** Magic links and e-mail codes make an account for an address that has none. Needs `allowSignup`. Default `false`. */
  allowPasswordlessSignup?: boolean;
  /**
   * `true` opens and refreshes no session of an account whose e-mail address is not verified: sign-up issues no tokens, and sign-in and
   * refresh answer 403 `email_not_verified`. Sign-in with the right password mails the link again. Needs mail. Default `false`.
   */
  requireVerifiedEmail?: boolean;
  /** Lifetime of a link to reset a password, in seconds. Default 3600. */
  passwordResetTtl?: number;
  /** Lifetime of a link to confirm an address, in seconds. Default 86 400. */
  emailVerifyTtl?: number;
  /** Lifetime of a sign-in link, in seconds. Default 900. */
  magicLinkTtl?: number;
  /** Lifetime of an e-mail code, in seconds. Default 600. */
  emailOtpTtl?: number;
  /**
   * Where the pages are that mails link to: `/verify-email`, `/reset-password`, `/magic-link`, `/confirm-email`, each with `?token=`. No
   * query; a path or `#` is kept. In production `https`, except for this machine. Without it those links lead nowhere.
   */
  frontendUrl?: string;
  mail?: MailOptions;
  webhooks?: readonly WebhookOptions[];
  /** How long the audit log is kept, in seconds. Default 31 536 000 (one year). */
  auditRetention?: number;
  passwordPolicy?: PasswordPolicyOptions;
  passwordHashing?: PasswordHashingOptions;
  /**
   * The proxies whose `X-Forwarded-For` is believed: addresses, CIDR ranges, `loopback`, `linklocal`, `uniquelocal`, or `unix` for proxies
   * that connect through a unix socket. `Forwarded` (RFC 7239) is not read. Default: none.
   */
  trustedProxies?: readonly string[];
  /** Path of the routes, except JWKS, discovery, introspection and health. Default `auth`. */
  routePrefix?: string;
  /**
   * Origins of the browser apps (`https://app.example.com`) and native shells (`capacitor://localhost`): they may call with credentials and
   * pass the CSRF check. Compared in their canonical spelling. No wildcards; with `cookie` in production, no `http` but of this machine.
   * Default: none.
   */
  corsOrigins?: readonly string[];
  /** Seals the private keys in the database (at least 16 characters). Default `KEY_ENCRYPTION_SECRET`; needed in production. */
  keyEncryptionSecret?: string;
  /**
   * What the access token carries beside roles. `email` and `name` default to `true`, `permissions` to `false`: those of all roles, or
   * none when they are more than 1024 bytes as JSON.
   */
  claims?: { email?: boolean; name?: boolean; permissions?: boolean };
  /** `decorated` guards only what carries `@CurrentUser()`, `@Roles()` or `@Permissions()`. Default `closed`: every route that is not `@Public()`. */
  guard?: 'closed' | 'decorated';
  /** Bring the schema up to date at the start, under a database lock. Default `true`. */
  runMigrations?: boolean;
  /**
   * How long the server goes on serving after it was asked to stop, not ready any more, in seconds: so long a load balancer takes to
   * notice. Default 0, at most 300.
   */
  shutdownDelaySeconds?: number;
  /**
   * `false` does without prepared statements, which PgBouncer before 1.21 cannot have in transaction mode; PostgreSQL then plans each
   * statement anew. Default `true`.
   */
  preparedStatements?: boolean;
}
