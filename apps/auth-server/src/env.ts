import { isCookieDomain } from 'authfort';
import { isLoopbackOrigin, normalizeOrigin } from 'authfort-service';
import proxyaddr from 'proxy-addr';
import { z } from 'zod';

const DEVELOPMENT_DATA_DIR = '.data';

/** What the auth server reads from its environment. */
export interface AuthServerEnv {
  port: number;
  production: boolean;
  databaseUrl: string | undefined;
  dataDir: string;
  preparedStatements: boolean;
  issuer: string;
  introspectSecret: string | undefined;
  keyEncryptionSecret: string | undefined;
  cookieDomain: string | undefined;
  cookieSecure: boolean;
  corsOrigins: string[];
  frontendUrl: string | undefined;
  smtpUrl: string | undefined;
  mailFrom: string | undefined;
  appName: string | undefined;
  passwordlessSignup: boolean;
  requireVerifiedEmail: boolean;
  breachCheck: boolean;
  redisUrl: string | undefined;
  rateLimit: boolean;
  trustedProxies: string[];
  shutdownDelaySeconds: number;
  demoAdmin: { email: string; password: string } | undefined;
}

/** A name with a comma or the like needs quotes (RFC 5322 §3.4). */
const SENDER =
  /^(?:(?:"[^"\\]*"|[^"(),:;<>@[\\\]]*)\s*<[^\s"(),:;<>@]+@[^\s"(),:;<>@]+>|[^\s"(),:;<>@]+@[^\s"(),:;<>@]+)$/;

const line = z
  .string()
  .max(200, 'must have at most 200 characters')
  .regex(/^[^\r\n]*$/, 'must be one line');
const flag = (fallback: boolean, message = 'must be true or false') =>
  z
    .enum(['true', 'false', 'on', 'off', '1', '0'], message)
    .transform((value) => ['true', 'on', '1'].includes(value))
    .default(fallback);
const list = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  );
const origins = list.refine(
  (items) => items.every((item) => normalizeOrigin(item) !== undefined),
  'must be origins such as https://app.example.com or capacitor://localhost, separated by commas',
);
const proxies = list.refine(
  areProxyRanges,
  'must be IP addresses, CIDR ranges, or unix, loopback, linklocal, uniquelocal, separated by commas',
);
const secret = z
  .string()
  .min(16, 'must have at least 16 characters; `openssl rand -base64 32` makes one')
  .refine(
    (value) => new Set(value).size > 3,
    'must not repeat one or a few characters; `openssl rand -base64 32` makes one',
  );

const schema = z.object({
  PORT: z.coerce.number('must be a port number').int().min(0).max(65_535).default(8000),
  NODE_ENV: z
    .enum(['development', 'test', 'production'], 'must be development, test or production')
    .default('development'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?(\+\w+)?:\/\//, 'must begin with postgres://')
    .optional(),
  // Read by ormconfig.ts, and only checked here.
  DATABASE_POOL_SIZE: z.coerce
    .number('must be a whole number from 1 to 1000')
    .int()
    .min(1)
    .max(1000)
    .optional(),
  DATABASE_PREPARED_STATEMENTS: flag(true),
  AUTHFORT_DATA_DIR: z.string().default(DEVELOPMENT_DATA_DIR),
  JWT_ISSUER: z.string().default('authfort'),
  INTROSPECT_SECRET: secret.optional(),
  KEY_ENCRYPTION_SECRET: secret.optional(),
  COOKIE_DOMAIN: z
    .string()
    .refine(
      isCookieDomain,
      'must be a domain such as .example.com, no address, no single label, and no public suffix such as co.uk',
    )
    .optional(),
  COOKIE_SECURE: flag(true),
  CORS_ORIGINS: origins,
  FRONTEND_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .regex(/^(?!.*\?|\w+:\/\/[^/#]*@)\S*$/, 'must have no query, no password and no spaces')
    .optional(),
  SMTP_URL: z
    .url({
      protocol: /^smtps?$/,
      error: 'must be an smtp:// or smtps:// URL; characters like / and @ of the password as %2F and %40',
    })
    .optional(),
  MAIL_FROM: line
    .regex(SENDER, 'must be an address, or a name and an address: Shop <no-reply@example.com>')
    .optional(),
  APP_NAME: line.optional(),
  PASSWORDLESS_SIGNUP: flag(false),
  REQUIRE_VERIFIED_EMAIL: flag(false),
  BREACH_CHECK: flag(false),
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// URL' }).optional(),
  RATE_LIMIT: flag(true, 'must be on or off'),
  TRUSTED_PROXIES: proxies,
  SHUTDOWN_DELAY_SECONDS: z.coerce
    .number('must be a number of seconds from 0 to 300')
    .min(0)
    .max(300)
    .optional(),
  DEMO_ADMIN_EMAIL: z.string().optional(),
  DEMO_ADMIN_PASSWORD: z.string().optional(),
});

/**
 * Reads and checks the environment.
 * @throws Error that lists every problem at once and repeats no value.
 */
export function readEnv(source: NodeJS.ProcessEnv = process.env): AuthServerEnv {
  // An empty variable (`REDIS_URL=`, as compose files like to write) means that it is not set.
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  if (given.NODE_ENV === 'production') problems.push(...productionProblems(given));
  if (!parsed.success || problems.length > 0) {
    throw new Error(
      `The auth server cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
  const env = parsed.data;
  return {
    port: env.PORT,
    production: env.NODE_ENV === 'production',
    databaseUrl: env.DATABASE_URL,
    dataDir: env.AUTHFORT_DATA_DIR,
    preparedStatements: env.DATABASE_PREPARED_STATEMENTS,
    issuer: env.JWT_ISSUER,
    introspectSecret: env.INTROSPECT_SECRET,
    keyEncryptionSecret: env.KEY_ENCRYPTION_SECRET,
    cookieDomain: env.COOKIE_DOMAIN,
    cookieSecure: env.COOKIE_SECURE,
    corsOrigins: env.CORS_ORIGINS,
    frontendUrl: env.FRONTEND_URL,
    smtpUrl: env.SMTP_URL,
    mailFrom: env.MAIL_FROM,
    appName: env.APP_NAME,
    passwordlessSignup: env.PASSWORDLESS_SIGNUP,
    requireVerifiedEmail: env.REQUIRE_VERIFIED_EMAIL,
    breachCheck: env.BREACH_CHECK,
    redisUrl: env.REDIS_URL,
    rateLimit: env.RATE_LIMIT,
    trustedProxies: env.TRUSTED_PROXIES,
    shutdownDelaySeconds: env.SHUTDOWN_DELAY_SECONDS ?? (env.NODE_ENV === 'production' ? 5 : 0),
    demoAdmin:
      env.DEMO_ADMIN_EMAIL && env.DEMO_ADMIN_PASSWORD
        ? { email: env.DEMO_ADMIN_EMAIL, password: env.DEMO_ADMIN_PASSWORD }
        : undefined,
  };
}

function productionProblems(given: NodeJS.ProcessEnv): string[] {
  const problems: string[] = [];
  if (!given.DATABASE_URL)
    problems.push(
      'DATABASE_URL: is needed in production (postgres://…); the embedded database is for development',
    );
  if (!given.KEY_ENCRYPTION_SECRET)
    problems.push('KEY_ENCRYPTION_SECRET: is needed in production; `openssl rand -base64 32` makes one');
  if (['false', 'off', '0'].includes(given.COOKIE_SECURE ?? ''))
    problems.push('COOKIE_SECURE: must not be false in production');
  if (given.FRONTEND_URL && isWithoutTls(given.FRONTEND_URL))
    problems.push('FRONTEND_URL: must be https in production: mails link to it with one-time tokens');
  if (given.CORS_ORIGINS?.split(',').some((origin) => isWithoutTls(origin.trim())))
    problems.push('CORS_ORIGINS: must be https in production');
  if (given.SMTP_URL && !given.MAIL_FROM)
    problems.push('MAIL_FROM: is needed in production with SMTP_URL: Shop <no-reply@example.com>');
  if (['true', 'on', '1'].includes(given.REQUIRE_VERIFIED_EMAIL ?? '') && !given.SMTP_URL)
    problems.push('REQUIRE_VERIFIED_EMAIL: needs SMTP_URL in production');
  if (given.DEMO_ADMIN_PASSWORD)
    problems.push(
      'DEMO_ADMIN_PASSWORD: is not for production; use `npx authfort user create --email … --role admin`',
    );
  return problems;
}

/** Without TLS, anybody on the network path can write such a page. Pages of this machine are excepted. */
function isWithoutTls(url: string): boolean {
  return /^http:/i.test(url) && URL.canParse(url) && !isLoopbackOrigin(url);
}

function areProxyRanges(items: string[]): boolean {
  try {
    proxyaddr.compile(items.filter((item) => item !== 'unix'));
    return true;
  } catch {
    return false;
  }
}
