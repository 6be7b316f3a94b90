import { describe, expect, it } from '@jest/globals';
import type { AuthFortOptions } from './auth-fort.options.js';
import { threadPoolSize } from './env.js';
import { AuthFortOptionsError, resolveOptions } from './resolve-options.js';

type Environment = Parameters<typeof resolveOptions>[1];

const development: Environment = { production: false, keyEncryptionSecret: undefined };
const APP = 'https://app.example.com';
const webhook = {
  id: 'shop',
  secret: `whsec_${Buffer.from('a webhook secret of the tests, 32').toString('base64')}`,
};
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
  it('requires mail in production where an address has to be verified', () => {
    const strict = { requireVerifiedEmail: true };
    expect(problemsOf(strict)).toEqual([]);
    expect(problemsOf(strict, production)).toEqual([expect.stringContaining('requireVerifiedEmail')]);
    const mail = { smtpUrl: 'smtp://127.0.0.1', from: 'shop@example.com' };
    expect(problemsOf({ ...strict, mail }, production)).toEqual([]);
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
    [
      { cookie: {}, audience: Array.from({ length: 12 }, (_, n) => `https://service-${n}.shop.example.com`) },
      'at most 400 bytes',
    ],
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
  it.each([
    ['cookie.refreshName', { cookie: { refreshName: '__Host-refresh' } }],
    ['cookie.refreshName', { cookie: { refreshName: '__HOST-refresh' } }],
    ['cookie.refreshName', { cookie: { refreshName: '__Secure-refresh', secure: false } }],
    ['cookie.accessName', { cookie: { accessName: '__Host-access', domain: 'example.com' } }],
    ['cookie.accessName', { cookie: { accessName: '__host-access', path: '/shop' } }],
    ['cookie.accessName', { cookie: { accessName: '__Host-access', secure: false } }],
    ['cookie.accessName', { cookie: { accessName: '__secure-access', secure: false } }],
    ['cookie.accessName', { cookie: { accessName: '__Http-access', secure: false } }],
    ['cookie.accessName', { cookie: { accessName: '__Host-refresh_token-session' } }],
    ['cookie.accessName', { cookie: { accessName: 'access token' } }],
    ['cookie.accessName', { cookie: { accessName: '' } }],
    ['cookie.secure', { cookie: { sameSite: 'none', secure: false } }],
    ...[
      'localhost',
      '.localhost',
      'internal',
      '127.0.0.1',
      '10.0.0.1',
      '1.2.3',
      'co.uk',
      '.co.uk',
      'CO.UK',
      'com',
      'github.io',
      'herokuapp.com',
      'vercel.app',
      '-',
      '.',
      '',
      '-shop.example.com',
      'shop-.example.com',
      'shop..example.com',
      '..example.com',
      'example.com.',
      `${'x'.repeat(64)}.example.com`,
      `${'x.'.repeat(130)}example.com`,
      'example.com:8000',
      'https://example.com',
      '*.example.com',
      'bücher.example',
      '[::1]',
    ].map((domain): [string, unknown] => ['cookie.domain', { cookie: { domain } }]),
    ['corsOrigins.0', { corsOrigins: ['*'] }],
    ['corsOrigins.0', { corsOrigins: ['https://*.example.com'] }],
    ['corsOrigins.0', { corsOrigins: ['null'] }],
    ['corsOrigins.1', { corsOrigins: ['capacitor://localhost', 'file://'] }],
    ['corsOrigins.0', { corsOrigins: ['https://user:password@app.example.com'] }],
    ['corsOrigins.0', { corsOrigins: ['https://app.example.com?x'] }],
    ['frontendUrl', { frontendUrl: 'https://app.example.com/a page' }],
    ['frontendUrl', { frontendUrl: ' https://app.example.com' }],
    ['frontendUrl', { frontendUrl: 'https://app.example.com\n' }],
    ['webhooks.0.url', { webhooks: [{ ...webhook, url: 'https://hooks.example.com/a b' }] }],
    [
      'breachCheck.url',
      { passwordPolicy: { breachCheck: { url: 'https://user:hunter2@pwned.example.com' } } },
    ],
    ['introspectSecret', { introspectSecret: 'x'.repeat(64) }],
    ['introspectSecret.1', { introspectSecret: ['a good secret of the tests', '0'.repeat(20)] }],
    ['keyEncryptionSecret', { keyEncryptionSecret: 'ab'.repeat(20) }],
    ['keyEncryptionSecret', { keyEncryptionSecret: ' '.repeat(20) }],
    ['trustedProxies.0', { trustedProxies: ['0.0.0.0/0'] }],
    ['trustedProxies.0', { trustedProxies: ['10.0.0.0/33'] }],
    ['trustedProxies.0', { trustedProxies: ['10.0.0.1:80'] }],
    ['trustedProxies.0', { trustedProxies: ['unix:/run/proxy.sock'] }],
    ['trustedProxies.1', { trustedProxies: ['unix', 'proxy.internal'] }],
    ['trustedProxies.0', { trustedProxies: [''] }],
    ['routePrefix', { routePrefix: '' }],
    ['routePrefix', { routePrefix: '/' }],
    ['routePrefix', { routePrefix: 'a b' }],
    ['routePrefix', { routePrefix: '../auth' }],
    ['routePrefix', { routePrefix: ':id' }],
    ['routePrefix', { routePrefix: 'x'.repeat(1001) }],
    ['sessionAbsoluteTtl', { sessionAbsoluteTtl: 3600 }],
    ['accessTokenTtl', { accessTokenTtl: 3600, refreshTokenTtl: 900 }],
  ])('names %s in the problems of %j', (problem, options) => {
    const problems = problemsOf(options);
    expect(problems.join('\n')).toContain(`${problem}:`);
    expect(problems.join('\n')).not.toContain('hunter2');
    expect(problems).toHaveLength(1);
  });
  it('takes cookies that browsers keep', () => {
    for (const cookie of [
      { accessName: '__Host-access', refreshName: '__Secure-refresh' },
      { accessName: '__Secure-access', domain: 'example.com', path: '/shop' },
      { domain: '.example.co.uk' },
      { domain: 'Shop.Example.COM' },
      { domain: 'shop.github.io' },
      { domain: 'shop.internal' },
      { domain: 'xn--bcher-kva.example' },
    ])
      expect(problemsOf({ cookie })).toEqual([]);
  });
  it('wants TLS for pages in production, except on the same machine', () => {
    for (const [options, problem] of [
      [{ frontendUrl: 'http://app.example.com' }, 'frontendUrl'],
      [{ cookie: {}, corsOrigins: [APP, 'http://app.example.com'] }, 'corsOrigins.1'],
    ] as const) {
      expect(problemsOf(options)).toEqual([]);
      expect(problemsOf(options, production)).toEqual([expect.stringMatching(`^${problem}: must be https`)]);
    }
    const local = {
      frontendUrl: 'http://localhost:3000/app',
      corsOrigins: [
        'http://localhost',
        'http://tauri.localhost',
        'http://127.0.0.1:3000',
        'capacitor://localhost',
      ],
    };
    expect(problemsOf({ ...local, cookie: {} }, production)).toEqual([]);
    expect(problemsOf({ corsOrigins: ['http://app.example.com'] }, production)).toEqual([]);
  });
  it('keeps origins in their canonical spelling', () => {
    const corsOrigins = ['HTTPS://App.Example.com.:443', 'Capacitor://localhost', 'http://[0:0::1]:80'];
    expect(resolveOptions({ corsOrigins }, development).corsOrigins).toEqual([
      APP,
      'capacitor://localhost',
      'http://[::1]',
    ]);
  });
  it('takes unix and every kind of proxy', () => {
    const trustedProxies = [
      'unix',
      'loopback',
      'uniquelocal',
      '10.0.0.0/8',
      '2001:DB8::/32',
      '::ffff:10.0.0.1',
    ];
    expect(problemsOf({ trustedProxies })).toEqual([]);
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
