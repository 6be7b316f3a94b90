import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { OutboxWorker } from '../../src/events/outbox.worker.js';
import { PasswordHasher } from '../../src/password/password-hasher.js';
import { type Answer, PASSWORD, startServer, type TestServer } from '../harness.js';

/** What of an answer a stranger sees, but for the date. */
const seen = ({ status, text, headers }: Answer) => ({
  status,
  text,
  headers: [...headers].filter(([name]) => name !== 'date').sort(),
});

/** ASVS 6.3.8: until the right secret is given, every address looks the same, in words and in work. */
describe('attack: finding out who has an account', () => {
  let server: TestServer;
  let verified = 0;
  let statements: string[] = [];
  let emails: string[];
  beforeAll(async () => {
    server = await startServer({
      options: { rateLimit: { rules: { mailPerAddress: { points: 100, durationSeconds: 60 } } } },
    });
    const hasher = server.app.get(PasswordHasher);
    const verify = hasher.verify.bind(hasher);
    // The work is counted, not timed: a hash is compared exactly once on every path, and the same statements are made.
    hasher.verify = (...args) => {
      verified += 1;
      return verify(...args);
    };
    const database = server.app.get(Database);
    const query = database.query.bind(database);
    database.query = (statement, parameters) => {
      const sql = typeof statement === 'string' ? statement : statement.sql;
      // The key ring looks at its table by the clock, in between.
      if (!sql.includes('authfort_signing_keys')) statements.push(sql);
      return query(statement, parameters);
    };
    // All of one length: that much of an answer's work may depend on the address.
    const address = () => `${randomUUID()}@example.com`;
    const [known, banned, social] = [
      await server.signUp(address()),
      await server.signUp(address()),
      await server.signUp(address()),
    ];
    await server.authfort.banUser(banned.id);
    await server.dataSource.query('UPDATE authfort_users SET password_hash = NULL WHERE id = $1', [
      social.id,
    ]);
    emails = [known.email, address(), banned.email, social.email];
    await server.mailTo('');
  });
  afterAll(() => server.close());

  /** Counts what a request does, and what it leaves to be done later. */
  async function workOf(request: () => Promise<Answer>) {
    const worker = server.app.get(OutboxWorker);
    const { wake } = worker;
    // Rests meanwhile: what it does comes after the answer.
    worker.wake = () => undefined;
    await worker.settle();
    statements = [];
    verified = 0;
    const answer = await request();
    const work = { ...seen(answer), verified, statements: [...statements], left: await outboxRows() };
    worker.wake = wake;
    await server.mailTo('');
    return work;
  }
  const outboxRows = async () =>
    (await server.dataSource.query('SELECT count(*)::int AS n FROM authfort_outbox'))[0].n as number;

  async function expectAlike(request: (email: string) => Promise<Answer>, first: object): Promise<void> {
    const all = [];
    for (const email of emails) all.push(await workOf(() => request(email)));
    expect(all[0]).toMatchObject(first);
    for (const other of all) expect(other).toEqual(all[0]);
  }

  it('answers a wrong password alike', () =>
    expectAlike((email) => server.post('/auth/login', { email, password: 'not the password' }), {
      status: 401,
      verified: 1,
    }));

  it.each(['/auth/forgot-password', '/auth/magic-link', '/auth/otp'])(
    'answers %s alike, before anybody has looked',
    async (path) => {
      await expectAlike((email) => server.post(path, { email }), { status: 200, verified: 0, left: 1 });
    },
  );

  it('judges a wrong code alike, and counts it alike', async () => {
    for (const email of emails) await server.authfort.createEmailOtp(email);
    await expectAlike((email) => server.post('/auth/otp/verify', { email, code: 'wrong!' }), { status: 400 });
    const rows: { attempts: number; failures: number }[] = await server.dataSource.query(
      'SELECT attempts, failures FROM authfort_email_otps WHERE code_hash IS NOT NULL',
    );
    expect(rows).toHaveLength(emails.length);
    expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(1);
    expect(rows[0]!.attempts).toBe(1);
  });

  it('answers a change to an address alike', async () => {
    const { accessToken: bearer } = await server.signUp();
    await expectAlike((email) => server.post('/auth/email-change', { email }, { bearer }), { status: 200 });
  });

  it('answers who has no session alike', async () => {
    const answer = await server.post('/auth/verify-email/request', { email: emails[0] });
    expect(seen(answer)).toEqual(seen(await server.post('/auth/verify-email/request', { email: emails[1] })));
    expect(answer.status).toBe(401);
  });

  it('tells only the owner of a banned account that it is banned', async () => {
    const answer = await server.post('/auth/login', { email: emails[2], password: PASSWORD });
    expect([answer.status, answer.body.error]).toEqual([403, 'user_banned']);
  });
  it('does not let the decoy’s own password in', async () => {
    for (const password of ['decoy', '']) {
      const answer = await server.post('/auth/login', { email: 'nobody@example.com', password });
      expect(answer.body.error).toBe('invalid_credentials');
    }
  });
});
