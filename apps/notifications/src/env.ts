import { isLoopbackOrigin, normalizeOrigin } from 'authfort-service';
import { z } from 'zod';

/** What the notifications service reads from its environment. */
export interface NotificationsEnv {
  port: number;
  jwksUrl: string;
  issuer: string;
  corsOrigins: string[];
  jwksCacheTtlSeconds: number;
  jwksCooldownSeconds: number;
  shutdownDelaySeconds: number;
}

const schema = z.object({
  PORT: z.coerce.number('must be a port number').int().min(0).max(65_535).default(8002),
  NODE_ENV: z
    .enum(['development', 'test', 'production'], 'must be development, test or production')
    .default('development'),
  JWKS_URL: z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).optional(),
  JWT_ISSUER: z.string().default('authfort'),
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
 * Reads and checks the environment.
 * @throws Error that lists every problem at once and repeats no value.
 */
export function readEnv(source: NodeJS.ProcessEnv = process.env): NotificationsEnv {
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  if (given.NODE_ENV === 'production' && !given.JWKS_URL) {
    problems.push('JWKS_URL: is needed in production (http://auth:8000/.well-known/jwks.json)');
  }
  if (given.NODE_ENV === 'production' && given.CORS_ORIGINS?.split(',').some(isWithoutTls))
    problems.push('CORS_ORIGINS: must be https in production');
  if (!parsed.success || problems.length > 0) {
    throw new Error(
      `The notifications service cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
  const env = parsed.data;
  return {
    port: env.PORT,
    jwksUrl: env.JWKS_URL ?? 'http://localhost:8000/.well-known/jwks.json',
    issuer: env.JWT_ISSUER,
    corsOrigins: env.CORS_ORIGINS,
    jwksCacheTtlSeconds: env.JWKS_CACHE_SECONDS,
    jwksCooldownSeconds: env.JWKS_COOLDOWN_SECONDS,
    shutdownDelaySeconds: env.SHUTDOWN_DELAY_SECONDS ?? (env.NODE_ENV === 'production' ? 5 : 0),
  };
}
