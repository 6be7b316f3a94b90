import { describe, expect, it } from '@jest/globals';
import type { AuthFortOptions } from './auth-fort.options.js';
import { threadPoolSize } from './env.js';
import { AuthFortOptionsError, resolveOptions } from './resolve-options.js';

type Environment = Parameters<typeof resolveOptions>[1];

const development: Environment = { production: false, keyEncryptionSecret: undefined };
const production = { production: true, keyEncryptionSecret: 'a secret of the environment' };

function problemsOf(options: unknown, environment: Environment = development): readonly string[] {
  try {
    resolveOptions(options as AuthFortOptions, environment);
    return [];
  } catch (error) {
    if (error instanceof AuthFortOptionsError) return error.problems;
    throw error;
  }
}

describe('resolveOptions', () => {
  it('makes a working bearer-only server of nothing', () => {
    const config = resolveOptions({}, development);
    expect(config).toMatchObject({
      accessTokenTtlSeconds: 900,
      refreshTokenTtlSeconds: 2_592_000,
      sessionAbsoluteTtlSeconds: 7_776_000,
      issuer: 'authfort',
      algorithm: 'RS256',
      cookie: undefined,
      introspectSecrets: [],
      routePrefix: 'auth',
      guard: 'closed',
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.passwordHashing)).toBe(true);
  });
  it('refuses an issuer that no metadata document can be served for', () => {
    for (const issuer of [
      'authfort',
      'urn:authfort',
      'https://auth.example.com',
      'http://localhost:8000/a/b/',
    ])
      expect([issuer, problemsOf({ issuer })]).toEqual([issuer, []]);
    for (const issuer of [
      'https://auth.example.com?tenant=1',
      'https://auth.example.com/#a',
      'https://auth.example.com/a b',
      'https://auth.example.com/a//b',
      'https://auth.example.com/a/b/c/d',
      'https://ada:secret@auth.example.com',
      'https://',
      'https:auth.example.com',
      'https:\\\\auth.example.com',
    ]) {
      expect([issuer, problemsOf({ issuer })]).toEqual([
        issuer,
        [expect.stringMatching(/^issuer: .*RFC 8414/)],
      ]);
    }
  });
  it('lists every problem at once and repeats no value', () => {
    const secret = 'hunter2';
    const problems = problemsOf({
      accessTokenTtl: -1,
      issuer: '',
      introspectSecret: secret,
      keyEncryptionSecret: secret,
      corsOrigins: ['https://app.example.com/path'],
      trustedProxies: ['not-an-address'],
      cookie: { domain: 'exa mple', sameSite: 'none', secure: false, nonsense: true },
      rateLimit: { redisUrl: 'http://redis' },
      surprise: 1,
    });
    const text = problems.join('\n');
    for (const name of [
      'accessTokenTtl',
      'issuer',
      'introspectSecret',
      'keyEncryptionSecret',
      'corsOrigins.0',
      'trustedProxies.0',
      'cookie.domain',
      'cookie: unknown option nonsense',
      'rateLimit',
      'unknown option surprise',
      'cookie.secure',
    ]) {
      expect(text).toContain(name);
    }
    expect(text).not.toContain(secret);
  });
  it.each([
    [{ sessionAbsoluteTtl: 10, refreshTokenTtl: 20, accessTokenTtl: 5 }, 'sessionAbsoluteTtl'],
    [{ accessTokenTtl: 900, refreshTokenTtl: 60 }, 'accessTokenTtl'],
    [{ cookie: { accessName: 'same', refreshName: 'same' } }, 'must differ'],
    [{ accessTokenTtl: 100_000 }, 'short-lived'],
    [{ algorithm: 'HS256' }, 'algorithm'],
    [{ passwordPolicy: { minLength: 6 } }, 'minLength'],
    [{ passwordHashing: { concurrency: 4 } }, 'UV_THREADPOOL_SIZE'],
    [{ frontendUrl: 'https://app.example.com/?page=1' }, 'frontendUrl'],
    [{ frontendUrl: 'https://shop:secret@app.example.com' }, 'frontendUrl'],
    [{ mail: { smtpUrl: 'http://mail.example.com' } }, 'mail.smtpUrl'],
    [{ mail: { smtpUrl: 'smtp://mail', transport: { send: () => undefined } } }, 'mail'],
    [{ mail: { from: 'Shop, Inc. <no-reply@example.com>' } }, 'mail.from'],
    [{ mail: { from: 'Shop <a@example.com>, b@example.com' } }, 'mail.from'],
    [{ mail: { from: 'a@example.com\r\nBcc: b@example.com' } }, 'mail.from'],
    [{ mail: { appName: 'Shop\nBcc: b@example.com' } }, 'mail.appName'],
    [{ mail: { translations: { fr: { magic_links: {} } } } }, 'mail.translations.fr'],
    [{ mail: { translations: { french: {} } } }, 'mail.translations'],
  ])('refuses %j', (options, problem) => {
    expect(problemsOf(options).join('\n')).toContain(problem);
  });
  it('wants a key encryption secret and secure cookies in production', () => {
    const problems = problemsOf(
      { cookie: { secure: false } },
      { ...production, keyEncryptionSecret: undefined },
    );
    expect(problems.join('\n')).toMatch(/keyEncryptionSecret.*\n.*cookie\.secure/s);
    expect(problemsOf({ cookie: {} }, production)).toEqual([]);
  });
  it('takes senders with and without a name', () => {
    for (const from of [
      'a@example.com',
      'no-reply@localhost',
      'Shop <a@example.com>',
      '"Shop, Inc." <a@b.co>',
      'Zoë Läden <a@b.co>',
    ])
      expect(problemsOf({ mail: { from } })).toEqual([]);
  });
  it('wants a sender in production, if mails are sent by SMTP', () => {
    const mail = { smtpUrl: 'smtps://shop:hunter2@mail.example.com' };
    expect(problemsOf({ mail }, production).join()).toMatch(/^mail\.from: (?!.*hunter2)/);
    expect(problemsOf({ mail: { ...mail, from: 'a@example.com' } }, production)).toEqual([]);
  });
  it('leaves a thread of the pool to files and DNS', () => {
    const concurrencyOf = (threads: number, concurrency?: number) =>
      resolveOptions({ passwordHashing: { concurrency } }, { ...development, threads }).passwordHashing
        .concurrency;
    expect(concurrencyOf(1)).toBe(1);
    expect(concurrencyOf(2)).toBe(1);
    expect(concurrencyOf(16)).toBeLessThanOrEqual(3);
    expect(concurrencyOf(16, 15)).toBe(15);
    expect(() => concurrencyOf(16, 16)).toThrow(/below the 16 threads/);
  });
  it.each([
    [undefined, 4],
    ['8', 8],
    ['8 threads', 8],
    ['0', 1],
    ['many', 1],
    ['5000', 1024],
  ])('reads UV_THREADPOOL_SIZE=%s as libuv does', (size, threads) => {
    expect(threadPoolSize(size)).toBe(threads);
  });
  it('prefers the option over the environment', () => {
    const option = 'the secret of the option';
    expect(resolveOptions({ keyEncryptionSecret: option }, production).keyEncryptionSecret).toBe(option);
    expect(resolveOptions({}, production).keyEncryptionSecret).toBe('a secret of the environment');
  });
});
