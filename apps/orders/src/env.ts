import { isLoopbackOrigin, normalizeOrigin } from 'authfort-service';
import { z } from 'zod';

/** What the orders service reads from its environment. */
export interface OrdersEnv {
  port: number;
  jwksUrl: string;
  issuer: string;
  introspectUrl: string | undefined;
  introspectSecret: string | undefined;
  revocationsUrl: string;
  revocationsWhenStale: 'allow' | 'introspect' | 'deny';
  corsOrigins: string[];
  jwksCacheTtlSeconds: number;
  jwksCooldownSeconds: number;
  shutdownDelaySeconds: number;
}

const url = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });
const schema = z.object({
  PORT: z.coerce.number('must be a port number').int().min(0).max(65_535).default(8001),
  NODE_ENV: z
    .enum(['development', 'test', 'production'], 'must be development, test or production')
    .default('development'),
  JWKS_URL: url.optional(),
  JWT_ISSUER: z.string().default('authfort'),
  INTROSPECT_URL: url.optional(),
  INTROSPECT_SECRET: z
    .string()
    .min(16, 'must have at least 16 characters')
    .refine((value) => new Set(value).size > 3, 'must not repeat one or a few characters')
    .optional(),
  REVOCATIONS_URL: url.optional(),
  REVOCATIONS_WHEN_STALE: z
    .enum(['allow', 'introspect', 'deny'], 'must be allow, introspect or deny')
    .default('allow'),
  CORS_ORIGINS: z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((item) => item.trim())
        .filter(Boolean),
    )
    .refine(
      (items) => items.every((item) => normalizeOrigin(item) !== undefined),
      'must be origins such as https://app.example.com or capacitor://localhost, separated by commas',
    ),
  JWKS_CACHE_SECONDS: z.coerce
    .number('must be a whole number of seconds, at least 1')
    .int()
    .min(1)
    .default(300),
  JWKS_COOLDOWN_SECONDS: z.coerce
    .number('must be a whole number of seconds, at least 1')
    .int()
    .min(1)
    .default(5),
  SHUTDOWN_DELAY_SECONDS: z.coerce
    .number('must be a number of seconds from 0 to 300')
    .min(0)
    .max(300)
    .optional(),
});

/** Without TLS, anybody on the network path can write the page of such an origin. */
function isWithoutTls(origin: string): boolean {
  return /^\s*http:/i.test(origin) && URL.canParse(origin) && !isLoopbackOrigin(origin);
}

/**
 * Reads and checks the environment. The introspection endpoint and the feed of revocations, unless given, are taken to stand beside the JWKS.
 * @throws Error that lists every problem at once and repeats no value.
 */
export function readEnv(source: NodeJS.ProcessEnv = process.env): OrdersEnv {
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  if (given.NODE_ENV === 'production') {
    if (given.CORS_ORIGINS?.split(',').some(isWithoutTls))
      problems.push('CORS_ORIGINS: must be https in production');
    if (!given.JWKS_URL)
      problems.push('JWKS_URL: is needed in production (http://auth:8000/.well-known/jwks.json)');
    if (!given.INTROSPECT_SECRET)
      problems.push('INTROSPECT_SECRET: is needed in production: refunds are checked with the auth server');
  }
  if (given.REVOCATIONS_URL && !given.INTROSPECT_SECRET)
    problems.push('INTROSPECT_SECRET: is needed with REVOCATIONS_URL');
  if (!parsed.success || problems.length > 0) {
    throw new Error(
      `The orders service cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
  const env = parsed.data;
  const jwksUrl = env.JWKS_URL ?? 'http://localhost:8000/.well-known/jwks.json';
  return {
    port: env.PORT,
    jwksUrl,
    issuer: env.JWT_ISSUER,
    introspectUrl: env.INTROSPECT_URL ?? new URL('/introspect', jwksUrl).href,
    introspectSecret: env.INTROSPECT_SECRET,
    revocationsUrl: env.REVOCATIONS_URL ?? new URL('/revocations', jwksUrl).href,
    revocationsWhenStale: env.REVOCATIONS_WHEN_STALE,
    corsOrigins: env.CORS_ORIGINS,
    jwksCacheTtlSeconds: env.JWKS_CACHE_SECONDS,
    jwksCooldownSeconds: env.JWKS_COOLDOWN_SECONDS,
    shutdownDelaySeconds: env.SHUTDOWN_DELAY_SECONDS ?? (env.NODE_ENV === 'production' ? 5 : 0),
  };
}
