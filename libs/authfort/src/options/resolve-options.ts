import { availableParallelism } from 'node:os';
import proxyaddr from 'proxy-addr';
import { z } from 'zod';
import type { LibraryEnvironment } from './env.js';
import type { AuthFortConfig } from './auth-fort.config.js';
import type { AuthFortOptions, RateLimitName, RateLimitRule } from './auth-fort.options.js';

const DEFAULT_RULES: Record<RateLimitName, RateLimitRule> = {
  signup: { points: 60, durationSeconds: 60 },
  login: { points: 60, durationSeconds: 60 },
  loginPerAccount: { points: 10, durationSeconds: 60 },
  refresh: { points: 600, durationSeconds: 60 },
  logout: { points: 600, durationSeconds: 60 },
  introspectDenied: { points: 30, durationSeconds: 60 },
};

const seconds = z.number().int().min(1).max(315_360_000);
const secret = z.string().min(16, 'must have at least 16 characters');
const cookieName = z
  .string()
  .regex(/^[\w!#$%&'*.^`|~+-]+$/, 'must be a cookie name (RFC 6265 token characters)');
const origin = z
  .string()
  .refine(isOrigin, 'must be an origin such as https://app.example.com, without a path');
const proxy = z
  .string()
  .refine(isProxyRange, 'must be an IP address, a CIDR range or loopback, linklocal, uniquelocal');
const rule = z.strictObject({ points: z.number().int().min(1), durationSeconds: seconds });
const ruleNames = z.enum(Object.keys(DEFAULT_RULES) as [RateLimitName, ...RateLimitName[]]);

const cookieSchema = z.strictObject({
  domain: z
    .string()
    .regex(/^\.?[a-z0-9-]+(\.[a-z0-9-]+)*$/i, 'must be a domain such as .example.com')
    .optional(),
  secure: z.boolean().default(true),
  sameSite: z.enum(['lax', 'strict', 'none']).default('lax'),
  path: z
    .string()
    .regex(/^\/[\x21-\x3a\x3c-\x7e]*$/, 'must begin with /')
    .default('/'),
  accessName: cookieName.default('access_token'),
  refreshName: cookieName.default('refresh_token'),
});

const schema = z.strictObject({
  accessTokenTtl: seconds
    .max(86_400, 'must be at most 86400 (one day): access tokens are meant to be short-lived')
    .default(900),
  refreshTokenTtl: seconds.default(2_592_000),
  sessionAbsoluteTtl: seconds.default(7_776_000),
  issuer: z.string().min(1).max(200).default('authfort'),
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
  passwordPolicy: z.strictObject({ minLength: z.number().int().min(8).max(128).default(8) }).prefault({}),
  passwordHashing: z
    .strictObject({
      concurrency: z.number().int().min(1).max(64).optional(),
      queue: z.number().int().min(0).max(10_000).default(64),
    })
    .prefault({}),
  trustedProxies: z.array(proxy).default([]),
  routePrefix: z
    .string()
    .regex(/^\/?[\w-]+(\/[\w-]+)*$/, 'must be a path such as auth or api/auth')
    .default('auth'),
  corsOrigins: z.array(origin).default([]),
  keyEncryptionSecret: secret.optional(),
  claims: z.strictObject({ email: z.boolean().default(true), name: z.boolean().default(true) }).prefault({}),
  guard: z.enum(['closed', 'decorated']).default('closed'),
  runMigrations: z.boolean().default(true),
});

/** Thrown when the module is given options it cannot run with. `problems` lists all of them; no value is repeated. */
export class AuthFortOptionsError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`AuthFortModule cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'AuthFortOptionsError';
  }
}

/**
 * Checks the options and fills in the defaults.
 * @throws AuthFortOptionsError with every problem at once.
 */
export function resolveOptions(options: AuthFortOptions, environment: LibraryEnvironment): AuthFortConfig {
  const withSecret = {
    ...options,
    keyEncryptionSecret: options.keyEncryptionSecret ?? environment.keyEncryptionSecret,
  };
  const parsed = schema.safeParse(withSecret);
  const problems = parsed.success ? [] : describe(parsed.error);
  problems.push(...contradictions(withSecret, environment));
  if (!parsed.success || problems.length > 0) throw new AuthFortOptionsError(problems);
  return freeze(parsed.data, environment.threads ?? 4);
}

function contradictions(options: AuthFortOptions, { production, threads = 4 }: LibraryEnvironment): string[] {
  const problems: string[] = [];
  const concurrency = options.passwordHashing?.concurrency ?? 1;
  if (concurrency > 1 && concurrency >= threads)
    problems.push(
      `passwordHashing.concurrency: must be below the ${threads} threads of the process, which file access and DNS share; set UV_THREADPOOL_SIZE higher`,
    );
  const idle = options.refreshTokenTtl ?? 2_592_000;
  if ((options.sessionAbsoluteTtl ?? 7_776_000) < idle)
    problems.push('sessionAbsoluteTtl: must not be shorter than refreshTokenTtl');
  if ((options.accessTokenTtl ?? 900) > idle)
    problems.push('accessTokenTtl: must not be longer than refreshTokenTtl');
  if (options.cookie?.sameSite === 'none' && options.cookie.secure === false)
    problems.push(
      'cookie.secure: must be true when sameSite is "none" (browsers refuse the cookie otherwise)',
    );
  if (
    options.cookie &&
    (options.cookie.accessName ?? 'access_token') === (options.cookie.refreshName ?? 'refresh_token')
  )
    problems.push('cookie: accessName and refreshName must differ');
  if (!production) return problems;
  if (options.keyEncryptionSecret === undefined)
    problems.push(
      'keyEncryptionSecret: is needed in production; set KEY_ENCRYPTION_SECRET to 32 random bytes (openssl rand -base64 32)',
    );
  if (options.cookie?.secure === false) problems.push('cookie.secure: must not be false in production');
  return problems;
}

/** Zod's messages name types and bounds but can repeat the input, so only those of ours and the safe ones pass. */
function describe(error: z.ZodError): string[] {
  return error.issues.map((issue) => {
    const path = issue.path.join('.') || 'options';
    if (issue.code === 'unrecognized_keys') return `${path}: unknown option ${issue.keys.join(', ')}`;
    return `${path}: ${issue.message}`;
  });
}

function freeze(o: z.output<typeof schema>, threads: number): AuthFortConfig {
  return deepFreeze({
    accessTokenTtlSeconds: o.accessTokenTtl,
    refreshTokenTtlSeconds: o.refreshTokenTtl,
    sessionAbsoluteTtlSeconds: o.sessionAbsoluteTtl,
    issuer: o.issuer,
    audience: o.audience,
    algorithm: o.algorithm,
    cookie: o.cookie && { ...o.cookie, domain: o.cookie.domain },
    keyRotationSeconds: o.keyRotation.intervalSeconds,
    jwksMaxAgeSeconds: o.keyRotation.jwksMaxAgeSeconds,
    introspectSecrets: o.introspectSecret === undefined ? [] : [o.introspectSecret].flat(),
    allowSignup: o.allowSignup,
    rateLimit: o.rateLimit && {
      redisUrl: o.rateLimit.redisUrl,
      rules: { ...DEFAULT_RULES, ...o.rateLimit.rules } as Record<RateLimitName, RateLimitRule>,
    },
    passwordMinLength: o.passwordPolicy.minLength,
    passwordHashing: {
      concurrency:
        o.passwordHashing.concurrency ?? Math.max(1, Math.min(availableParallelism(), 3, threads - 1)),
      queue: o.passwordHashing.queue,
    },
    trustedProxies: o.trustedProxies,
    routePrefix: o.routePrefix.replace(/^\//, ''),
    corsOrigins: o.corsOrigins,
    keyEncryptionSecret: o.keyEncryptionSecret,
    claims: o.claims,
    guard: o.guard,
    runMigrations: o.runMigrations,
  });
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner as object);
  return Object.freeze(value);
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}

function isProxyRange(text: string): boolean {
  try {
    proxyaddr.compile(text);
    return true;
  } catch {
    return false;
  }
}
