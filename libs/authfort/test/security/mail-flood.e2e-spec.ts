import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { settleOutbox } from 'authfort/testing';
import { startServer, type TestServer } from '../harness.js';

/** 20 000 in full: `MAIL_REQUESTS=20000`. */
const REQUESTS = Number(process.env.MAIL_REQUESTS ?? 200);

/** Requests for links to invented addresses must not hold up the link that a user waits for. */
describe('attack: filling the queue of mails with addresses that have no account', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  async function flood(path: string): Promise<void> {
    for (let sent = 0; sent < REQUESTS; sent += 100) {
      const batch = Array.from({ length: 100 }, () =>
        server.post(path, { email: `nobody-${randomUUID()}@example.com` }),
      );
      for (const { status } of await Promise.all(batch)) expect(status).toBe(200);
    }
  }
  const waiting = async () => {
    const rows: { consumer: string; n: number }[] = await server.dataSource.query(
      'SELECT consumer, count(*)::int AS n FROM authfort_outbox GROUP BY consumer',
    );
    return rows;
  };

  it.each([
    ['/auth/forgot-password', 'password_reset'],
    ['/auth/magic-link', 'magic_link'],
    ['/auth/otp', 'email_otp'],
  ])('%s: nothing is queued for them, and the mail of a user does not wait', async (path, name) => {
    const { email } = await server.signUp();
    const jobs: string[] = [];
    const { logger } = server.dataSource;
    const log = logger.logQuery.bind(logger);
    logger.logQuery = (sql, ...rest) => (jobs.push(sql), log(sql, ...rest));
    await flood(path);
    server.mail.mails.length = 0;
    expect((await server.post(path, { email })).status).toBe(200);
    const begun = performance.now();
    await settleOutbox(server.app);
    const milliseconds = performance.now() - begun;
    logger.logQuery = log;
    expect(server.mail.mails.map(({ to }) => to)).toEqual([email]);
    expect(milliseconds).toBeLessThan(2000);
    if (REQUESTS > 1000) process.stdout.write(`${path}: ${Math.round(milliseconds)} ms\n`);
    expect(await waiting()).toEqual([]);
    // No look-up of one invented address each, and no row of a queue of mails.
    expect(
      jobs.filter((sql) => sql.includes('DELETE FROM authfort_outbox WHERE id = $1')).length,
    ).toBeLessThan(REQUESTS / 3);
    expect(name).toBeTruthy();
  });

  it('answers a guess at the code of an address without an account as one of a user, however many were asked for', async () => {
    const { email } = await server.signUp();
    const nobody = `nobody-${randomUUID()}@example.com`;
    for (const address of [email, nobody, nobody]) await server.post('/auth/otp', { email: address });
    await settleOutbox(server.app);
    const [{ n }] = await server.dataSource.query(
      'SELECT count(*)::int AS n FROM authfort_email_otps WHERE code_hash IS NOT NULL AND attempts = 0',
    );
    expect(n).toBeGreaterThanOrEqual(2);
    for (const address of [email, nobody])
      expect((await server.post('/auth/otp/verify', { email: address, code: '000000x' })).body.error).toBe(
        'invalid_otp',
      );
  });

  it('sends mails to new addresses behind those to users, where sign-up by mail is open', async () => {
    const open = await startServer({ options: { allowPasswordlessSignup: true } });
    try {
      const { email } = await open.signUp();
      open.mail.mails.length = 0;
      const fresh = Array.from({ length: 40 }, () => `new-${randomUUID()}@example.com`);
      await Promise.all(fresh.map((address) => open.post('/auth/magic-link', { email: address })));
      await open.post('/auth/magic-link', { email });
      await settleOutbox(open.app);
      expect(open.mail.mails.map(({ to }) => to).sort()).toEqual([email, ...fresh].sort());
    } finally {
      await open.close();
    }
  });
});
