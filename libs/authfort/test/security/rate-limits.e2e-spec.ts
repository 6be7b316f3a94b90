import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { AuthFortOptions } from 'authfort';
import { Redis } from 'ioredis';
import { overHttp1 } from '../../../authfort-service/test/raw-http.js';
import { adapters, PASSWORD, startServer, type TestServer } from '../harness.js';

const redisUrl = process.env.REDIS_URL;
const rules = {
  login: { points: 5, durationSeconds: 60 },
  loginPerAccount: { points: 3, durationSeconds: 60 },
};

/** ASVS 6.3.1, 6.1.1: guessing is slowed down by address, spoofed headers do not help, and the owner is not locked out. */
describe('attack: guessing passwords', () => {
  const servers: TestServer[] = [];
  const start = async (options: AuthFortOptions, more = {}) => {
    const server = await startServer({ options, ...more });
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of servers.splice(0).reverse()) await server.close();
  });
  const guess = (
    server: TestServer,
    email: string,
    headers: Record<string, string> = {},
    password = 'wrong password',
  ) => server.post('/auth/login', { email, password }, { headers });

  it('answers 429 with Retry-After, and counts by account too', async () => {
    const server = await start({ rateLimit: { rules } });
    const { email } = await server.signUp();
    for (let n = 0; n < 3; n += 1) expect((await guess(server, email)).status).toBe(401);
    const refused = await guess(server, ` ${email.toUpperCase()}`);
    expect([refused.status, refused.body.error]).toEqual([429, 'rate_limit_exceeded']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await guess(server, 'other@example.com')).status).toBe(401);
    expect((await guess(server, 'third@example.com')).status).toBe(429);
  });
  it('does not believe X-Forwarded-For of an untrusted peer', async () => {
    const server = await start({ rateLimit: { rules } });
    const answers = [];
    for (let n = 0; n < 8; n += 1) {
      answers.push(
        (
          await guess(server, `u${n}@example.com`, {
            'x-forwarded-for': `203.0.113.${n}`,
            forwarded: `for=203.0.113.${n}`,
          })
        ).status,
      );
    }
    expect(answers).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
  });
  it('reads X-Forwarded-For from the right behind a trusted proxy: what the client wrote itself does not count', async () => {
    const server = await start({ rateLimit: { rules }, trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
    const from = (chain: string, n: number) =>
      guess(server, `u${n}@example.com`, { 'x-forwarded-for': chain });
    for (let n = 0; n < 5; n += 1)
      expect((await from(`1.1.1.${n}, 203.0.113.7, 10.0.0.3`, n)).status).toBe(401);
    expect((await from('9.9.9.9, 203.0.113.7, 10.0.0.3', 6)).status).toBe(429);
    expect((await from('203.0.113.8', 7)).status).toBe(401);
  });
  it('takes one client behind one chain of proxies for one, in whichever spelling', async () => {
    const server = await start({
      rateLimit: { rules },
      trustedProxies: ['::ffff:127.0.0.1', '10.0.0.0/8', '::1'],
    });
    const spellings = [
      '203.0.113.7, 10.0.0.2',
      '::ffff:203.0.113.7, ::FFFF:10.0.0.2',
      '203.0.113.7:1234, 10.0.0.2:4711',
      '"203.0.113.7", "[::ffff:a00:2]:443", ::1',
      '0:0:0:0:0:ffff:cb00:7107, 0:0:0:0:0:0:0:1',
      '203.0.113.7 ,, 10.0.0.2,',
    ];
    const statuses = [];
    for (const [n, chain] of spellings.entries())
      statuses.push((await guess(server, `u${n}@example.com`, { 'x-forwarded-for': chain })).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    const other = await guess(server, 'x@example.com', { 'x-forwarded-for': '203.0.113.8, 10.0.0.2:4711' });
    expect(other.status).toBe(401);
  });
  it('counts by the last trusted hop where the chain holds no address', async () => {
    const server = await start({ rateLimit: { rules }, trustedProxies: ['127.0.0.1'] });
    const statuses = [];
    for (let n = 0; n < 6; n += 1)
      statuses.push((await guess(server, `u${n}@example.com`, { 'x-forwarded-for': `bot-${n}` })).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  });
  it.each(adapters)('finds the clients behind a unix socket where it is trusted, on %s', async (adapter) => {
    const folder = await mkdtemp(join(tmpdir(), 'authfort-'));
    const guessAt = async (socketPath: string, n: number, client: string) => {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': client };
      const body = JSON.stringify({ email: `u${n}@example.com`, password: 'wrong password' });
      return (await overHttp1('http://auth.example.com/auth/login', { socketPath, headers, body })).status;
    };
    for (const [name, trustedProxies, expected] of [
      ['trusted', ['unix'], 401],
      ['untrusted', ['127.0.0.1'], 429],
    ] as const) {
      const socketPath = join(folder, name);
      await start({ rateLimit: { rules }, trustedProxies }, { socketPath, adapter });
      for (let n = 0; n < 5; n += 1) expect(await guessAt(socketPath, n, '203.0.113.7')).toBe(401);
      expect(await guessAt(socketPath, 6, '203.0.113.7')).toBe(429);
      expect(await guessAt(socketPath, 7, '203.0.113.8')).toBe(expected);
    }
    await rm(folder, { recursive: true });
  });
  it('does not lock the owner out at another address', async () => {
    const server = await start({ rateLimit: { rules }, trustedProxies: ['127.0.0.1'] });
    const { email } = await server.signUp();
    for (let n = 0; n < 10; n += 1) await guess(server, email, { 'x-forwarded-for': '198.51.100.1' });
    const owner = await guess(server, email, { 'x-forwarded-for': '203.0.113.50' }, PASSWORD);
    expect(owner.status).toBe(200);
  });
  it('takes an IPv6 client for its whole /64', async () => {
    const server = await start({ rateLimit: { rules }, trustedProxies: ['127.0.0.1'] });
    const statuses = [];
    for (let n = 1; n <= 6; n += 1) {
      statuses.push(
        (await guess(server, `u${n}@example.com`, { 'x-forwarded-for': `2001:db8:1:2::${n}` })).status,
      );
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    expect((await guess(server, 'x@example.com', { 'x-forwarded-for': '2001:db8:1:3::1' })).status).toBe(401);
  });
  it.each([
    ['a /24', (n: number) => `198.51.100.${n}`, '198.51.101.1'],
    ['a /48', (n: number) => `2001:db8:1:${n.toString(16)}::1`, '2001:db8:2::1'],
  ])('takes %s for one operator, who may make ten times as many requests', async (_, address, elsewhere) => {
    const server = await start({ rateLimit: { rules }, trustedProxies: ['127.0.0.1'] });
    const statuses = [];
    for (let n = 1; n <= 60; n += 1)
      statuses.push((await guess(server, `u${n}@example.com`, { 'x-forwarded-for': address(n) })).status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(50);
    expect(statuses.slice(50)).toEqual(Array<number>(10).fill(429));
    expect((await guess(server, 'x@example.com', { 'x-forwarded-for': elsewhere })).status).toBe(401);
  });
  (redisUrl ? it : it.skip)(
    'takes a network for one operator in Redis too, and keeps no key for ever',
    async () => {
      const server = await start({ rateLimit: { redisUrl, rules }, trustedProxies: ['127.0.0.1'] });
      const site = `2001:db8:${randomUUID().slice(0, 4)}`;
      const statuses = [];
      for (let n = 1; n <= 52; n += 1)
        statuses.push(
          (await guess(server, `u${n}@example.com`, { 'x-forwarded-for': `${site}:${n}::1` })).status,
        );
      expect(statuses.filter((status) => status === 401)).toHaveLength(50);
      const redis = new Redis(redisUrl!);
      try {
        const keys = await redis.keys('authfort:login:*');
        expect(keys.length).toBeGreaterThan(50);
        for (const ttl of await Promise.all(keys.map((key) => redis.pttl(key)))) expect(ttl).not.toBe(-1);
      } finally {
        redis.disconnect();
      }
    },
  );
  (redisUrl ? it : it.skip)('keeps a bounded number of clients in Redis', async () => {
    // A database of its own: the count of new clients is one for all replicas.
    const own = new URL(redisUrl!);
    own.pathname = '/9';
    const server = await start({ rateLimit: { redisUrl: own.href, rules }, trustedProxies: ['127.0.0.1'] });
    const redis = new Redis(own.href);
    try {
      await redis.flushdb();
      const from = (ip: string) => ({ 'x-forwarded-for': ip });
      expect((await guess(server, 'a@example.com', from('203.0.113.1'))).status).toBe(401);
      await redis.set('authfort:login:#new', 99_999, 'PX', 60_000);
      expect((await guess(server, 'b@example.com', from('203.0.113.2'))).status).toBe(401);
      const keys = await redis.dbsize();
      const refused = await guess(server, 'c@example.com', from('203.0.113.3'));
      expect([refused.status, Number(refused.headers.get('retry-after')) > 50]).toEqual([429, true]);
      expect((await guess(server, 'd@example.com', from('203.0.113.1'))).status).toBe(401);
      expect(await redis.dbsize()).toBeLessThanOrEqual(keys + 1);
    } finally {
      await redis.flushdb();
      redis.disconnect();
    }
  });
  (redisUrl ? it : it.skip)('shares the count between replicas in Redis', async () => {
    const rateLimit = { redisUrl, rules };
    const address = {
      'x-forwarded-for': `2001:db8:${randomUUID().slice(0, 4)}:${randomUUID().slice(0, 4)}::1`,
    };
    const first = await start({ rateLimit, trustedProxies: ['127.0.0.1'] });
    const second = await start({ rateLimit, trustedProxies: ['127.0.0.1'] });
    const statuses = [];
    for (let n = 0; n < 6; n += 1)
      statuses.push((await guess(n % 2 ? first : second, `u${n}@example.com`, address)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  });
  it('counts in memory while Redis is away', async () => {
    const server = await start({ rateLimit: { redisUrl: 'redis://127.0.0.1:1', rules } });
    const statuses = [];
    for (let n = 0; n < 6; n += 1) statuses.push((await guess(server, `u${n}@example.com`)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  });
  it('fills nobody’s mailbox, from however many addresses and by whichever route', async () => {
    const mailPerAddress = { points: 4, durationSeconds: 900 };
    const server = await start({ rateLimit: { rules: { mailPerAddress } }, trustedProxies: ['127.0.0.1'] });
    const victim = `victim-${randomUUID()}@example.com`;
    let n = 0;
    const from = () => ({ headers: { 'x-forwarded-for': `198.51.100.${(n += 1)}` } });
    // Accounts made and deleted again, and changes of address, which the old address hears of.
    for (let round = 0; round < 6; round += 1) {
      const { body } = await server.post('/auth/signup', { email: victim, password: PASSWORD }, from());
      const bearer: string = body.tokens.access_token;
      await server.post('/auth/email-change', { email: `${round}-${victim}` }, { ...from(), bearer });
      await server.mailTo(victim);
      await server.request('/auth/me', { method: 'DELETE', bearer });
    }
    await server.mailTo(victim);
    // Four that welcome, four that tell of a change.
    expect(server.mail.mails.filter(({ to }) => to === victim)).toHaveLength(8);
    // Each kind of mail is counted by itself: filling one does not keep the owner from another.
    for (const path of ['/auth/forgot-password', '/auth/magic-link', '/auth/otp']) {
      const ask = () => server.post(path, { email: ` ${victim.toUpperCase()}` }, from());
      const answers = [await ask(), await ask(), await ask(), await ask(), await ask()];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429]);
    }
    expect((await server.post('/auth/magic-link', { email: `other-${victim}` }, from())).status).toBe(200);
  });
  it('slows down who redeems, and who tries passwords with a stolen session, wherever they come from', async () => {
    const few = { points: 3, durationSeconds: 60 };
    const server = await start({
      rateLimit: { rules: { redeem: few, passwordCheck: few, mailRequest: few, export: few, profile: few } },
    });
    const user = await server.signUp();
    const owner = await server.authfort.login(user.email, PASSWORD);
    const spoofed = (n: number) => ({
      headers: { 'x-forwarded-for': `203.0.113.${n}` },
      bearer: user.accessToken,
    });
    const tries: [string, object][] = [
      ['/auth/magic-link/verify', { token: 'x' }],
      ['/auth/change-password', { old_password: 'wrong', new_password: `${PASSWORD} 2` }],
      ['/auth/magic-link', { email: user.email }],
    ];
    for (const [path, body] of tries) {
      const statuses = [];
      for (let n = 0; n < 4; n += 1) statuses.push((await server.post(path, body, spoofed(n))).status);
      expect([path, statuses.map((status) => status === 429)]).toEqual([path, [false, false, false, true]]);
    }
    for (const path of [
      '/auth/verify-email',
      '/auth/reset-password',
      '/auth/otp/verify',
      '/auth/email-change/confirm',
    ])
      expect((await server.post(path, { token: 'x' }, spoofed(9))).status).toBe(429);
    const deletion = await server.request('/auth/me', {
      method: 'DELETE',
      json: { password: 'wrong' },
      ...spoofed(9),
    });
    expect(deletion.status).toBe(429);
    for (const [method, path] of [
      ['GET', '/auth/me/export'],
      ['PATCH', '/auth/me'],
    ] as const) {
      const ask = (n: number) => server.request(path, { method, ...spoofed(n) });
      const answers = [await ask(1), await ask(2), await ask(3), await ask(4)];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    }
    // The owner has a session of their own, and changes the password with it.
    const change = { old_password: PASSWORD, new_password: `${PASSWORD} 2` };
    const bearer = owner.tokens.accessToken;
    expect((await server.post('/auth/change-password', change, { bearer })).status).toBe(200);
  });
});
