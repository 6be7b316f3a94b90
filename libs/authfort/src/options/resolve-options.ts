import { availableParallelism } from 'node:os';
import type { z } from 'zod';
import type { LibraryEnvironment } from './env.js';
import type { AuthFortConfig } from './auth-fort.config.js';
import type { AuthFortOptions, RateLimitName, RateLimitRule } from './auth-fort.options.js';
import { cookieProblems } from './cookie-problems.js';
import { breachCheck, DEFAULT_RULES, optionsSchema } from './options.schema.js';
import { productionProblems } from './production-problems.js';

/** Thrown when the module is given options it cannot run with. `problems` lists all of them; no value is repeated. */
export class AuthFortOptionsError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`AuthFortModule cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'AuthFortOptionsError';
  }
}

/**
 * Checks the options and fills in the defaults.
 * @param eventNames those that a webhook may ask for; the names are known in a layer above this one
 * @throws AuthFortOptionsError with every problem at once.
 */
export function resolveOptions(
  options: AuthFortOptions,
  environment: LibraryEnvironment,
  eventNames?: readonly string[],
): AuthFortConfig {
  const withSecret = {
    ...options,
    keyEncryptionSecret: options.keyEncryptionSecret ?? environment.keyEncryptionSecret,
  };
  const parsed = optionsSchema.safeParse(withSecret);
  const problems = parsed.success ? [] : describe(parsed.error);
  problems.push(...contradictions(withSecret, environment));
  if (parsed.success && eventNames) problems.push(...unknownEvents(parsed.data.webhooks, eventNames));
  if (!parsed.success || problems.length > 0) throw new AuthFortOptionsError(problems);
  return freeze(parsed.data, environment);
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
  problems.push(...cookieProblems(options.cookie));
  if (options.cookie && sharedBytes(options) > 400)
    problems.push(
      'issuer, audience, cookie: their texts must be at most 400 bytes together, or browsers would drop the access cookies of some users',
    );
  const webhookIds = (options.webhooks ?? []).map(({ id }) => id);
  if (new Set(webhookIds).size < webhookIds.length) problems.push('webhooks: each needs an id of its own');
  if (options.mail?.smtpUrl !== undefined && options.mail.transport !== undefined)
    problems.push('mail: give either smtpUrl or transport');
  if (production) problems.push(...productionProblems(options));
  return problems;
}

/** The bytes of every access cookie that come from the options; the rest of its 4096 bytes is for the user's claims. */
function sharedBytes({ issuer = 'authfort', audience = [], cookie = {} }: AuthFortOptions): number {
  const { domain = '', path = '/', accessName = 'access_token' } = cookie;
  return Buffer.byteLength(JSON.stringify([issuer, audience, domain, path, accessName]));
}

function unknownEvents(
  webhooks: readonly { events?: string[] | undefined }[],
  known: readonly string[],
): string[] {
  return webhooks.flatMap(({ events = [] }, index) =>
    events.flatMap((name, at) =>
      known.includes(name) ? [] : [`webhooks.${index}.events.${at}: there is no event of this name`],
    ),
  );
}

/** Zod's messages name types and bounds but can repeat the input, so only those of ours and the safe ones pass. */
function describe(error: z.ZodError): string[] {
  return error.issues.map((issue) => {
    const path = issue.path.join('.') || 'options';
    if (issue.code === 'unrecognized_keys') return `${path}: unknown option ${issue.keys.join(', ')}`;
    return `${path}: ${issue.message}`;
  });
}

function freeze(
  o: z.output<typeof optionsSchema>,
  { threads = 4, production }: LibraryEnvironment,
): AuthFortConfig {
  return deepFreeze({
    accessTokenTtlSeconds: o.accessTokenTtl,
    refreshTokenTtlSeconds: o.refreshTokenTtl,
    sessionAbsoluteTtlSeconds: o.sessionAbsoluteTtl,
    maxSessionsPerUser: o.maxSessionsPerUser,
    issuer: o.issuer,
    audience: o.audience,
    algorithm: o.algorithm,
    cookie: o.cookie && { ...o.cookie, domain: o.cookie.domain },
    keyRotationSeconds: o.keyRotation.intervalSeconds,
    jwksMaxAgeSeconds: o.keyRotation.jwksMaxAgeSeconds,
    introspectSecrets: o.introspectSecret === undefined ? [] : [o.introspectSecret].flat(),
    revokeOnRoleChange: o.revokeOnRoleChange,
    maxRevocationStreams: o.maxRevocationStreams,
    allowSignup: o.allowSignup,
    rateLimit: o.rateLimit && {
      redisUrl: o.rateLimit.redisUrl,
      rules: { ...DEFAULT_RULES, ...o.rateLimit.rules } as Record<RateLimitName, RateLimitRule>,
    },
    passwordPolicy: {
      minLength: o.passwordPolicy.minLength,
      breachCheck:
        o.passwordPolicy.breachCheck === true
          ? breachCheck.parse({})
          : o.passwordPolicy.breachCheck || undefined,
      history: o.passwordPolicy.history,
    },
    allowPasswordlessSignup: o.allowPasswordlessSignup && o.allowSignup,
    requireVerifiedEmail: o.requireVerifiedEmail,
    passwordResetTtlSeconds: o.passwordResetTtl,
    emailVerifyTtlSeconds: o.emailVerifyTtl,
    magicLinkTtlSeconds: o.magicLinkTtl,
    emailOtpTtlSeconds: o.emailOtpTtl,
    frontendUrl: o.frontendUrl,
    mail: { ...o.mail, smtpUrl: o.mail.smtpUrl, transport: o.mail.transport },
    webhooks: o.webhooks,
    auditRetentionSeconds: o.auditRetention,
    production,
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
    shutdownDelaySeconds: o.shutdownDelaySeconds,
    preparedStatements: o.preparedStatements,
  });
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    // What is an object of a class is the app's own.
    const plain =
      typeof inner === 'object' &&
      inner !== null &&
      [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(inner));
    if (plain) deepFreeze(inner as object);
  }
  return Object.freeze(value);
}
