import { z } from 'zod';
import { normalizeOrigin } from '../http/origin.js';
import type { ServiceAuthOptions } from './service-auth.options.js';

/** DI token of {@link ServiceAuthConfig}. */
export const SERVICE_AUTH_CONFIG = Symbol('SERVICE_AUTH_CONFIG');

const url = z
  .string()
  // Zod trims the URL, and the URL parser encodes spaces and drops line breaks, so both would hide the mistake.
  .regex(/^\S*$/, 'must have no spaces or line breaks')
  .pipe(z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }))
  .refine(holdsNoPassword, 'must not hold a user name or password');
const seconds = z.number().min(0).max(31_536_000);
const positive = z.number().min(0.001).max(31_536_000);

const secret = z
  .string()
  .min(16, 'must have at least 16 characters')
  .refine(isVaried, 'must not repeat one or a few characters')
  // fetch refuses a header with some, and its error would repeat the secret into the log.
  .regex(/^[^\p{Cc}]*$/u, 'must have no line breaks or other control characters');
const revocations = z.strictObject({
  url: url.refine(hasNoQuery, 'must have no query and no fragment'),
  secret: secret.optional(),
  whenStale: z.enum(['allow', 'introspect', 'deny']).default('allow'),
  maxStaleSeconds: z.number().min(2).max(86_400).default(10),
  maxEntries: z.number().int().min(1000).max(10_000_000).default(500_000),
});

const schema = z.strictObject({
  jwksUrl: url,
  issuer: z.string().min(1).default('authfort'),
  audience: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
  algorithms: z
    .array(z.enum(['RS256', 'ES256']))
    .min(1)
    .default(['RS256', 'ES256']),
  cookieName: z
    .string()
    .regex(/^[\w!#$%&'*.^`|~+-]+$/, 'must be a cookie name')
    .optional(),
  allowedOrigins: z
    .array(
      z
        .string()
        .refine(
          (text) => normalizeOrigin(text) !== undefined,
          'must be an origin such as https://app.example.com or capacitor://localhost, without a path or a wildcard',
        )
        .transform((text) => normalizeOrigin(text)!),
    )
    .default([]),
  introspectUrl: url.optional(),
  introspectSecret: secret.optional(),
  guard: z.enum(['closed', 'decorated']).default('closed'),
  jwksCacheTtlSeconds: positive.default(300),
  jwksMaxStaleSeconds: seconds.default(86_400),
  jwksCooldownSeconds: positive.default(5),
  clockToleranceSeconds: z.number().min(0).max(300).default(5),
  verifiedTokenCacheSize: z.number().int().min(0).max(1_000_000).default(10_000),
  introspectCacheTtlSeconds: seconds.default(0),
  httpTimeoutSeconds: positive.max(60).default(5),
  revocations: revocations.optional(),
  shutdownDelaySeconds: z.number().min(0).max(300).default(0),
});

/** The options, complete and checked. */
export type ServiceAuthConfig = Readonly<z.output<typeof schema>>;

/** Thrown when the module is given options it cannot run with. It lists all problems and repeats no value. */
export class ServiceAuthOptionsError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`ServiceAuthModule cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ServiceAuthOptionsError';
  }
}

/** Checks the options and fills in the defaults. @throws ServiceAuthOptionsError */
export function resolveServiceOptions(given: string | ServiceAuthOptions): ServiceAuthConfig {
  const options = typeof given === 'string' ? { jwksUrl: given } : given;
  const parsed = schema.safeParse(options);
  const problems = parsed.success ? [] : parsed.error.issues.map(describe);
  if (options?.introspectUrl && !options.introspectSecret)
    problems.push('introspectSecret: is needed with introspectUrl');
  if (options?.introspectSecret && !options.introspectUrl && !options.revocations)
    problems.push('introspectUrl: is needed with introspectSecret');
  problems.push(...problemsOfRevocations(options));
  if (!parsed.success || problems.length > 0) throw new ServiceAuthOptionsError(problems);
  return Object.freeze(parsed.data);
}

function problemsOfRevocations(options: ServiceAuthOptions | undefined): string[] {
  const { revocations: given, introspectUrl, introspectSecret } = options ?? {};
  if (!given) return [];
  return [
    !given.secret && !introspectSecret && 'revocations.secret: is needed, or introspectSecret',
    given.whenStale === 'introspect' &&
      !introspectUrl &&
      'revocations.whenStale: introspect needs introspectUrl',
  ].filter((problem) => problem !== false);
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.') || 'options';
  return issue.code === 'unrecognized_keys'
    ? `${path}: unknown option ${issue.keys.join(', ')}`
    : `${path}: ${issue.message}`;
}

/** A random secret of 16 characters has more than three different ones. */
function isVaried(value: string): boolean {
  return new Set(value).size > 3;
}

/** `/stream` and `?since=` are put behind it. */
function hasNoQuery(value: string): boolean {
  return !/[?#]/.test(value);
}

/** fetch refuses such a URL, and its error would repeat the password into the log. */
function holdsNoPassword(value: string): boolean {
  if (!URL.canParse(value)) return true;
  const { username, password } = new URL(value);
  return !username && !password;
}
