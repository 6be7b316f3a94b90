import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PasswordHasher } from '../../src/password/password-hasher.js';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

/** ASVS 15.2.2: hashing is expensive on purpose; a flood of it may not take the rest of the server along. */
describe('attack: starving the server with password hashing', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      realHashing: true,
      options: { passwordHashing: { concurrency: 1, queue: 2 } },
    });
  });
  afterAll(() => server.close());

  it('answers 503 overloaded with Retry-After beyond the bound, and serves what needs no hash', async () => {
    const user = await server.signUp();
    const finished: string[] = [];
    const logins = Array.from({ length: 12 }, async () => {
      const answer = await server.post('/auth/login', { email: user.email, password: PASSWORD });
      finished.push('login');
      return answer;
    });
    const others = [
      server.request('/auth/me', { bearer: user.accessToken }),
      server.request('/health/ready'),
    ].map(async (request) => {
      const answer = await request;
      finished.push('other');
      return answer;
    });
    const answers = await Promise.all(logins);
    const refused = answers.filter(({ status }) => status === 503);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(3);
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.every(({ status }) => status === 200 || status === 503)).toBe(true);
    for (const { body, headers } of refused) {
      expect(body).toEqual({ statusCode: 503, error: 'overloaded', message: expect.any(String) });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    for (const { status } of await Promise.all(others)) expect(status).toBe(200);
    expect(finished.lastIndexOf('other')).toBeLessThan(finished.length - 1);
  });
});

/** A sign-in that was refused as overloaded was never evaluated: it costs nobody an attempt, and the server nothing. */
describe('attack: locking the owner out with a flood of sign-ins', () => {
  const rules = {
    passwordGuesses: { points: 6, durationSeconds: 3600 },
    loginPerAccount: { points: 4, durationSeconds: 60 },
    passwordCheck: { points: 3, durationSeconds: 900 },
    login: { points: 100_000, durationSeconds: 60 },
  };
  let server: TestServer;
  const release: (() => void)[] = [];
  let statements: string[] = [];
  beforeAll(async () => {
    server = await startServer({
      options: {
        passwordHashing: { concurrency: 1, queue: 4 },
        rateLimit: { rules },
        trustedProxies: ['127.0.0.1'],
      },
    });
    const { logger } = server.dataSource;
    const log = logger.logQuery.bind(logger);
    logger.logQuery = (sql, ...rest) => (statements.push(sql), log(sql, ...rest));
  });
  afterAll(() => server.close());
  const from = (ip: string) => ({ headers: { 'x-forwarded-for': ip } });
  const login = (email: string, password: string, ip: string) =>
    server.post('/auth/login', { email, password }, from(ip));

  /** Keeps every place busy until `release`: comparisons wait, and so does who comes behind them. */
  function hold(): () => Promise<void> {
    const hasher = server.app.get(PasswordHasher);
    const verify = hasher.verify.bind(hasher);
    hasher.verify = async (...args) => {
      await new Promise<void>((resolve) => release.push(resolve));
      return verify(...args);
    };
    return async () => {
      hasher.verify = verify;
      for (const one of release.splice(0)) one();
      await Promise.resolve();
    };
  }
  const until = async (condition: () => boolean) => {
    for (let turn = 0; turn < 5000 && !condition(); turn += 1)
      await new Promise((resolve) => setImmediate(resolve));
    expect(condition()).toBe(true);
  };

  it('counts no attempt that it did not evaluate, and asks the database nothing for it', async () => {
    const { email, accessToken } = await server.signUp();
    const letGo = hold();
    // One is compared and four wait, all from the network of the owner.
    const flood = Array.from({ length: 5 }, (_, n) => login(`x${n}@example.com`, 'wrong', `192.0.2.${n}`));
    await until(() => release.length === 1);
    const places = server.app.get(PasswordHasher) as unknown as { places: { waiting: number } };
    await until(() => places.places.waiting === 4);
    statements = [];
    for (let n = 0; n < 16; n += 1) {
      const refused = await login(email, PASSWORD, '192.0.2.77');
      expect([refused.status, refused.body.error]).toEqual([503, 'overloaded']);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    const signup = { email: 'new@example.com', password: PASSWORD };
    expect((await server.post('/auth/signup', signup, from('192.0.2.78'))).status).toBe(503);
    const reset = { token: 'x'.repeat(43), new_password: PASSWORD };
    expect((await server.post('/auth/reset-password', reset, from('192.0.2.79'))).status).toBe(503);
    // The worker of the outbox and the ring of keys look at the database on their own.
    expect(statements.filter((sql) => !/authfort_(outbox|signing_keys)/.test(sql))).toEqual([]);
    const change = { old_password: PASSWORD, new_password: `${PASSWORD} 2` };
    const options = { ...from('192.0.2.80'), bearer: accessToken };
    for (let n = 0; n < 5; n += 1)
      expect((await server.post('/auth/change-password', change, options)).status).toBe(503);
    await letGo();
    await Promise.all(flood);
    expect((await login(email, PASSWORD, '192.0.2.77')).status).toBe(200);
    expect((await server.post('/auth/change-password', change, options)).status).toBe(200);
  });

  it('lets a network in that waits for nothing yet when another one has filled all places', async () => {
    const { email } = await server.signUp();
    const letGo = hold();
    const flood = Array.from({ length: 9 }, (_, n) => login(`y${n}@example.com`, 'wrong', `198.51.100.${n}`));
    const refused: number[] = [];
    for (const one of flood) void one.then(({ status }) => refused.push(status));
    const count = async (wanted: number) => {
      while (refused.length < wanted) await new Promise((resolve) => setImmediate(resolve));
    };
    // One place and four that wait.
    await count(4);
    const owner = login(email, PASSWORD, '203.0.113.9');
    // The last of the flood that waited makes room.
    await count(5);
    expect(refused).toEqual([503, 503, 503, 503, 503]);
    await letGo();
    expect((await owner).status).toBe(200);
  });
});
