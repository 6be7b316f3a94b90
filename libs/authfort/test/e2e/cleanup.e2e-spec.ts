import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OnAuthEvent } from 'authfort';
import { settleOutbox } from 'authfort/testing';
import { startServer, type TestServer } from '../harness.js';

const DAY = 86_400;
const NOTHING = {
  refreshTokens: 0,
  sessions: 0,
  oneTimeTokens: 0,
  emailOtps: 0,
  loginAttempts: 0,
  revocations: 0,
  auditEntries: 0,
  deadLetters: 0,
  outboxConsumers: 0,
  outbox: 0,
};

class Listener {
  @OnAuthEvent('user_banned', { durable: true, group: 'failing' })
  banned(): void {
    throw new Error('never');
  }
}

describe('the clean-up', () => {
  let server: TestServer;
  let other: TestServer;
  beforeAll(async () => {
    server = await startServer({ options: { auditRetention: 400 * DAY }, providers: [Listener] });
    other = await startServer({ replicaOf: server });
    server.app.useLogger(false);
  });
  afterAll(async () => {
    await server?.close();
    await other?.close();
  });
  const sql = <Row>(text: string, values: unknown[] = []) =>
    server.dataSource.query<Row[]>(text, values as never[]);
  const count = async (table: string) =>
    Number((await sql<{ n: string }>(`SELECT count(*) AS n FROM authfort_${table}`))[0]!.n);

  it('keeps what still counts', async () => {
    const user = await server.signUp('one@example.com');
    await server.post('/auth/otp', { email: user.email });
    await settleOutbox(server.app);
    await server.post('/auth/otp/verify', { email: user.email, code: '0000000' });
    await server.post('/auth/magic-link', { email: user.email });
    await settleOutbox(server.app);
    expect(await server.authfort.cleanup()).toEqual(NOTHING);
    server.clock.advance(DAY / 2);
    // The link and the code have expired. One wrong guess counts for a day yet.
    expect(await server.authfort.cleanup()).toEqual({ ...NOTHING, oneTimeTokens: 1 });
    expect(await count('email_otps')).toBe(1);
    server.clock.advance(DAY / 2);
    expect(await server.authfort.cleanup()).toEqual({ ...NOTHING, oneTimeTokens: 1, emailOtps: 1 });
  });
  it('deletes dead letters, sessions and old entries of the audit log when their time has come', async () => {
    const user = await server.signUp('two@example.com');
    await server.authfort.banUser(user.id);
    await settleOutbox(server.app);
    await sql(`UPDATE authfort_outbox SET dead_at = $1 WHERE consumer = 'listener:failing:user_banned'`, [
      server.clock.now(),
    ]);
    server.clock.advance(90 * DAY);
    expect((await server.authfort.cleanup()).deadLetters).toBe(0);
    server.clock.advance(1);
    expect(await server.authfort.cleanup()).toMatchObject({ deadLetters: 1 });
    expect(await count('sessions')).toBe(0);
    const entries = await count('audit_log');
    server.clock.advance(311 * DAY);
    expect(await server.authfort.cleanup()).toMatchObject({ auditEntries: entries });
    expect(await count('audit_log')).toBe(0);
  });
  it('forgets consumers that no server has, and what waits for them, after 30 days', async () => {
    const now = server.clock.now();
    await sql(
      `INSERT INTO authfort_outbox_consumers (consumer, event, seen_at)
       VALUES ('webhook:gone', 'user_created', $1), ('webhook:kept', 'user_created', $2)`,
      [now, new Date(now.getTime() + 1000)],
    );
    await server.signUp('three@example.com');
    await settleOutbox(server.app);
    expect(await count('outbox')).toBe(2);
    server.clock.advance(30 * DAY);
    expect(await server.authfort.cleanup()).toMatchObject({ outboxConsumers: 0, outbox: 0 });
    server.clock.advance(1);
    expect(await server.authfort.cleanup()).toMatchObject({ outbox: 1 });
    expect(await sql('SELECT consumer FROM authfort_outbox_consumers ORDER BY 1')).not.toContainEqual({
      consumer: 'webhook:gone',
    });
    expect(await sql('SELECT consumer FROM authfort_outbox')).toEqual([{ consumer: 'webhook:kept' }]);
  });
  it('works in batches, and two replicas do not do the same work twice', async () => {
    await sql(
      `INSERT INTO authfort_one_time_tokens (token_hash, purpose, email, created_at, expires_at)
       SELECT decode(md5(n::text), 'hex'), 'magic_link', 'x@example.com', $1, $1 FROM generate_series(1, 3500) n`,
      [server.clock.now()],
    );
    const results = await Promise.all([server.authfort.cleanup(), other.authfort.cleanup()]);
    const last = await server.authfort.cleanup();
    const total = [...results, last].reduce((sum, { oneTimeTokens }) => sum + oneTimeTokens, 0);
    expect(total).toBeGreaterThanOrEqual(3500);
    expect(await count('one_time_tokens')).toBe(0);
  });
});
