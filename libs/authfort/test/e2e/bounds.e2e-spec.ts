import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OutboxRepository } from '../../src/events/outbox.repository.js';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

/** Rows that a client can cause, and that no rate limit bounds when the limits are off. */
describe('bounds of tables', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      options: {
        trustedProxies: ['127.0.0.1'],
        rateLimit: { rules: { login: { points: 9999, durationSeconds: 60 } } },
      },
    });
  });
  afterAll(() => server.close());
  const count = async (sql: string, ...values: unknown[]): Promise<number> =>
    (await server.dataSource.query(`SELECT count(*)::int AS n FROM ${sql}`, values))[0].n;

  it('keeps ten one-time tokens of a user and purpose, the newest', async () => {
    const { email, id } = await server.signUp();
    const tokens: string[] = [];
    for (let n = 0; n < 14; n += 1) {
      server.clock.advance(1);
      tokens.push((await server.authfort.createMagicLinkToken(email))!);
    }
    await server.authfort.createPasswordResetToken(email);
    expect(await count(`authfort_one_time_tokens WHERE user_id = $1 AND purpose = 'magic_link'`, id)).toBe(
      10,
    );
    expect(
      await count(`authfort_one_time_tokens WHERE user_id = $1 AND purpose = 'password_reset'`, id),
    ).toBe(1);
    const verify = (token: string) => server.post('/auth/magic-link/verify', { token });
    expect((await verify(tokens[0]!)).status).toBe(400);
    expect((await verify(tokens[13]!)).status).toBe(200);
  });

  it('keeps the latest fifty networks of an account', async () => {
    const { email } = await server.signUp();
    const login = (n: number) =>
      server.post(
        '/auth/login',
        { email, password: PASSWORD },
        { headers: { 'x-forwarded-for': `198.51.${n}.7` } },
      );
    const before = await count('authfort_login_attempts');
    for (let n = 0; n < 55; n += 1) {
      server.clock.advance(1);
      expect((await login(n)).status).toBe(200);
    }
    // One row for each of 50 networks and one for all networks; the row of the sign-up was there before and is replaced.
    expect((await count('authfort_login_attempts')) - before).toBe(50);
  });

  it('keeps the newest dead letters', async () => {
    await server.dataSource.query(
      `INSERT INTO authfort_outbox (id, event_id, event, consumer, payload, created_at, due_at, dead_at)
       SELECT gen_random_uuid(), gen_random_uuid(), 'login', 'webhook:dead', '{}', $1, $1, $1::timestamptz + n * interval '1 s'
       FROM generate_series(1, 30) AS n`,
      [server.clock.now()],
    );
    server.app.get(OutboxRepository).mostDeadLetters = 20;
    expect((await server.authfort.cleanup()).deadLetters).toBe(10);
    const [{ first }] = await server.dataSource.query(
      'SELECT min(dead_at) AS first FROM authfort_outbox WHERE dead_at IS NOT NULL',
    );
    expect(first.getTime()).toBe(server.clock.now().getTime() + 11_000);
  });

  it('hands out the newest ten thousand sessions, audit entries and deliveries in an export', async () => {
    const { id, accessToken } = await server.signUp();
    const now = server.clock.now();
    const many = 'FROM generate_series(1, 10010) AS n';
    await server.dataSource.query(
      `WITH sessions AS (
         INSERT INTO authfort_sessions (id, user_id, amr, created_at, expires_at, ip)
         SELECT gen_random_uuid(), $1, '{pwd}', $2::timestamptz - n * interval '1 s', $2::timestamptz + interval '1 day', n ${many}
       ), entries AS (
         INSERT INTO authfort_audit_log (at, action, user_id, detail) SELECT $2, 'login_failed', $1, '{}' ${many}
       )
       INSERT INTO authfort_outbox (id, event_id, event, consumer, user_id, payload, created_at, due_at)
       SELECT gen_random_uuid(), gen_random_uuid(), 'login', 'webhook:gone', $1, '{}', $2, $2 ${many}`,
      [id, now],
    );
    const { status, body } = await server.request('/auth/me/export', { bearer: accessToken });
    expect(status).toBe(200);
    expect([body.sessions.length, body.audit_log.length, body.pending_deliveries.length]).toEqual([
      10_000, 10_000, 10_000,
    ]);
    // The session of the sign-up is the newest one.
    expect(body.sessions.map(({ ip }: { ip: string }) => ip)).not.toContain('10000');
    expect(body.sessions.map(({ ip }: { ip: string }) => ip)).toContain('9999');
  });
});
