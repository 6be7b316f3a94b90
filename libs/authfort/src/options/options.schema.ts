import { z } from 'zod';
import type { RateLimitName, RateLimitRule } from './auth-fort.options.js';
import { isCookieDomain } from './cookie-domain.js';
import type { MailTransport } from './mail.options.js';
import { cookieName, fetchedUrl, httpUrl, isIssuer, origin, proxy, secret } from './option-values.js';

/** The limits where the options name none. */
export const DEFAULT_RULES: Record<RateLimitName, RateLimitRule> = {
  signup: { points: 60, durationSeconds: 60 },
  login: { points: 60, durationSeconds: 60 },
  loginPerAccount: { points: 10, durationSeconds: 60 },
  refresh: { points: 600, durationSeconds: 60 },
  logout: { points: 600, durationSeconds: 60 },
  introspectDenied: { points: 30, durationSeconds: 60 },
  mailRequest: { points: 20, durationSeconds: 60 },
  mailPerAddress: { points: 5, durationSeconds: 900 },
  redeem: { points: 60, durationSeconds: 60 },
  passwordCheck: { points: 10, durationSeconds: 900 },
  profile: { points: 60, durationSeconds: 60 },
  export: { points: 5, durationSeconds: 900 },
  passwordGuesses: { points: 100, durationSeconds: 3600 },
};

const PWNED_PASSWORDS = 'https://api.pwnedpasswords.com/range/';

/** `address`, or `name <address>`; a name with a comma or the like needs quotes (RFC 5322 §3.4). */
const SENDER =
  /^(?:(?:"[^"\\]*"|[^"(),:;<>@[\\\]]*)\s*<[^\s"(),:;<>@]+@[^\s"(),:;<>@]+>|[^\s"(),:;<>@]+@[^\s"(),:;<>@]+)$/;

const seconds = z.number().int().min(1).max(315_360_000);
const rule = z.strictObject({ points: z.number().int().min(1), durationSeconds: seconds });
const ruleNames = z.enum(Object.keys(DEFAULT_RULES) as [RateLimitName, ...RateLimitName[]]);

const frontendUrl = httpUrl.refine(
  (text) => !/\?|^\w+:\/\/[^/#]*@/.test(text),
  'must have neither a query nor a password: mails append a page and a token',
);
const line = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\r\n]*$/, 'must be one line');
const mailNames = z.enum([
  'email_verification',
  'password_reset',
  'password_changed',
  'magic_link',
  'email_otp',
  'email_change',
  'email_change_requested',
  'email_changed',
]);
const mailText = z.strictObject({
  subject: line,
  body: z.string(),
  action: z.string().optional(),
  note: z.string().optional(),
});
const mailTexts = z.partialRecord(mailNames, mailText);
/** Where the check is on without details, all are defaults. */
export const breachCheck = z.strictObject({
  url: fetchedUrl.default(PWNED_PASSWORDS),
  timeoutMs: z.number().int().min(1).max(30_000).default(1500),
  failClosed: z.boolean().default(false),
});
const webhook = z.strictObject({
  id: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits or . _ -'),
  url: httpUrl,
  secret: z.string().refine(isWebhookSecret, 'must be whsec_ and 24 to 64 random bytes in base64'),
  events: z.array(z.string()).min(1).optional(),
});

const cookieSchema = z.strictObject({
  domain: z
    .string()
    .refine(
      isCookieDomain,
      'must be a domain such as .example.com: browsers drop cookies of addresses, of single labels and of public suffixes such as co.uk',
    )
    .optional(),
  secure: z.boolean().default(true),
  sameSite: z.enum(['lax', 'strict', 'none']).default('lax'),
  path: z
    .string()
    .max(1000, 'must have at most 1000 characters: browsers drop cookies of longer paths')
    .regex(/^\/[\x21-\x3a\x3c-\x7e]*$/, 'must begin with /')
    .default('/'),
  accessName: cookieName.default('access_token'),
  refreshName: cookieName.default('refresh_token'),
});

/** What users may write. */
export const optionsSchema = z.strictObject({
  accessTokenTtl: seconds
    .max(86_400, 'must be at most 86400 (one day): access tokens are meant to be short-lived')
    .default(900),
  refreshTokenTtl: seconds.default(2_592_000),
  sessionAbsoluteTtl: seconds.default(7_776_000),
  maxSessionsPerUser: z.number().int().min(1).max(1000).default(100),
  issuer: z
    .string()
    .min(1)
    .max(200)
    .refine(
      isIssuer,
      'a URL must have neither a query, a fragment nor a password, and at most three segments of path (RFC 8414 §2, §3.1)',
    )
    .default('authfort'),
  audience: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
  algorithm: z.enum(['RS256', 'ES256']).default('RS256'),
  cookie: cookieSchema.optional(),
  keyRotation: z
    .strictObject({
      intervalSeconds: z.number().int().min(0).default(2_592_000),
      jwksMaxAgeSeconds: z.number().int().min(1).max(86_400).default(60),
    })
    .prefault({}),
  introspectSecret: z.union([secret, z.array(secret).min(1)]).optional(),
  revokeOnRoleChange: z.boolean().default(true),
  maxRevocationStreams: z.number().int().min(1).max(10_000).default(100),
  allowSignup: z.boolean().default(true),
  rateLimit: z
    .union([
      z.literal(false),
      z.strictObject({
        redisUrl: z.url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// URL' }).optional(),
        rules: z.partialRecord(ruleNames, rule).default({}),
      }),
    ])
    .prefault({}),
  allowPasswordlessSignup: z.boolean().default(false),
  requireVerifiedEmail: z.boolean().default(false),
  passwordResetTtl: seconds.max(86_400).default(3600),
  emailVerifyTtl: seconds.max(2_592_000).default(86_400),
  magicLinkTtl: seconds.max(86_400).default(900),
  emailOtpTtl: seconds.max(3600).default(600),
  frontendUrl: frontendUrl.optional(),
  mail: z
    .strictObject({
      smtpUrl: z.url({ protocol: /^smtps?$/, error: 'must be an smtp:// or smtps:// URL' }).optional(),
      transport: z.custom<MailTransport>(hasSend, 'must have a method send(mail)').optional(),
      from: line
        .regex(SENDER, 'must be an address, or a name and an address: Shop <no-reply@example.com>')
        .default('no-reply@localhost'),
      appName: line.default('AuthFort'),
      translations: z
        .record(z.string().regex(/^[a-z]{2,3}$/, 'must be language codes such as fr'), mailTexts)
        .default({}),
    })
    .prefault({}),
  webhooks: z.array(webhook).default([]),
  auditRetention: seconds.default(31_536_000),
  passwordPolicy: z
    .strictObject({
      minLength: z.number().int().min(8).max(128).default(8),
      breachCheck: z.union([z.boolean(), breachCheck]).default(false),
      history: z.number().int().min(0).max(24).default(0),
    })
    .prefault({}),
  passwordHashing: z
    .strictObject({
      concurrency: z.number().int().min(1).max(64).optional(),
      queue: z.number().int().min(0).max(10_000).default(64),
    })
    .prefault({}),
  trustedProxies: z.array(proxy).default([]),
  routePrefix: z
    .string()
    .max(1000, 'must have at most 1000 characters: browsers drop cookies of longer paths')
    .regex(/^\/?[\w-]+(\/[\w-]+)*$/, 'must be a path such as auth or api/auth')
    .default('auth'),
  corsOrigins: z.array(origin).default([]),
  keyEncryptionSecret: secret.optional(),
  claims: z
    .strictObject({
      email: z.boolean().default(true),
      name: z.boolean().default(true),
      permissions: z.boolean().default(false),
    })
    .prefault({}),
  guard: z.enum(['closed', 'decorated']).default('closed'),
  runMigrations: z.boolean().default(true),
  shutdownDelaySeconds: z.number().min(0).max(300).default(0),
  preparedStatements: z.boolean().default(true),
});

function hasSend(value: unknown): boolean {
  return typeof (value as MailTransport | undefined)?.send === 'function';
}

function isWebhookSecret(value: string): boolean {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(value)?.[1] ?? '';
  const key = Buffer.from(base64, 'base64');
  return key.length >= 24 && key.length <= 64 && key.toString('base64') === base64;
}
