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

  it('knows fifty networks of an account, the latest', async () => {
    const { email } = await server.signUp();
    const login = (n: number) =>
      server.post(
        '/auth/login',
        { email, password: PASSWORD },
        { headers: { 'x-forwarded-for': `198.51.${n}.7` } },
      );
    const before = await count('authfort_login_attempts');
    for (let n = 0; n < 60; n += 1) {
      server.clock.advance(1);
      expect((await login(n)).status).toBe(200);
    }
    // Fifty networks in place of that of the sign-up, and the row that counts for all networks.
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
});
