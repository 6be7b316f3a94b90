import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { claimsOf, PASSWORD, startServer, type TestServer } from '../harness.js';

const { DATABASE_URL } = process.env;

/** The embedded database has one connection, so that nothing can wait for anything. */
(DATABASE_URL ? describe : describe.skip)('races: a sign-in that waits while a role is withdrawn', () => {
  let server: TestServer;
  let other: pg.Client;
  beforeAll(async () => {
    server = await startServer();
    const [{ name }] = await server.dataSource.query('SELECT current_database() AS name');
    const url = new URL(DATABASE_URL!);
    url.pathname = `/${name}`;
    other = new pg.Client(url.href);
    await other.connect();
  });
  afterAll(async () => {
    await other.end();
    await server.close();
  });

  /** Until another statement waits for a lock. */
  async function someoneWaits(): Promise<void> {
    for (;;) {
      const { rows } = await other.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      if (rows.length > 0) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  const ways: [string, (email: string) => Promise<() => ReturnType<TestServer['post']>>][] = [
    [
      'by password',
      (email) => Promise.resolve(() => server.post('/auth/login', { email, password: PASSWORD })),
    ],
    [
      'by a magic link',
      async (email) => {
        const token = await server.authfort.createMagicLinkToken(email);
        return () => server.post('/auth/magic-link/verify', { token });
      },
    ],
    [
      'by an e-mail code',
      async (email) => {
        const code = await server.authfort.createEmailOtp(email);
        return () => server.post('/auth/otp/verify', { email, code });
      },
    ],
  ];
  it.each(ways)('receives a token without the role, %s', async (_, prepare) => {
    const { id, email } = await server.signUp();
    await server.authfort.updateUser(id, { emailVerified: true });
    await server.authfort.addRole(id, 'admin');
    const signIn = await prepare(email);
    await other.query('BEGIN');
    await other.query('SELECT 1 FROM authfort_users WHERE id = $1 FOR NO KEY UPDATE', [id]);
    const answer = signIn();
    await someoneWaits();
    await other.query('DELETE FROM authfort_user_roles WHERE user_id = $1', [id]);
    await other.query('UPDATE authfort_users SET token_version = token_version + 1 WHERE id = $1', [id]);
    await other.query('COMMIT');
    const { status, body } = await answer;
    expect(status).toBe(200);
    expect(body.user.roles).toEqual([]);
    const { tokenVersion } = await server.authfort.getUser(id);
    expect(claimsOf(body.tokens.access_token)).toMatchObject({ roles: [], ver: tokenVersion });
  });
});
