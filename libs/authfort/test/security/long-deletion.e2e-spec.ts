import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

const { DATABASE_URL } = process.env;
/** Just above one batch of each; strangers and the user can cause any number within a year. */
const ENTRIES = Number(process.env.AUDIT_ENTRIES ?? 10_001);
const SESSIONS = Number(process.env.OLD_SESSIONS ?? 2_001);

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

async function count(table: string, where: string, id: string): Promise<number> {
  const [row] = await server.dataSource.query(`SELECT count(*)::int AS n FROM ${table} WHERE ${where}`, [id]);
  return row.n;
}

it.each([false, true])(
  'erases an account with very many sessions and entries in the log (hard: %p)',
  async (hard) => {
    const { id } = await server.signUp();
    await server.dataSource.query(
      `INSERT INTO authfort_audit_log (at, action, actor_id, user_id, ip, user_agent, detail)
     SELECT now(), 'login_failed', CASE WHEN n % 2 = 0 THEN $1::uuid END, $1, '203.0.113.7', 'curl', '{}'
     FROM generate_series(1, $2::int * 2) n`,
      [id, ENTRIES],
    );
    await server.dataSource.query(
      `WITH session AS (
       INSERT INTO authfort_sessions (id, user_id, amr, created_at, expires_at, revoked_at, ip)
       SELECT gen_random_uuid(), $1, '{pwd}', now(), now() + interval '90 days', now(), '203.0.113.7' FROM generate_series(1, $2::int)
       RETURNING id
     )
     INSERT INTO authfort_refresh_tokens (token_hash, session_id, issued_at, expires_at)
     SELECT decode(md5(id::text), 'hex'), id, now(), now() + interval '30 days' FROM session`,
      [id, SESSIONS],
    );
    await server.authfort.deleteUser(id, { hard });
    expect(
      await count('authfort_audit_log', 'user_id = $1 AND (ip IS NOT NULL OR user_agent IS NOT NULL)', id),
    ).toBe(0);
    expect(await count('authfort_audit_log', 'user_id = $1', id)).toBeGreaterThanOrEqual(2 * ENTRIES);
    expect(await count('authfort_sessions', 'user_id = $1 AND ip IS NOT NULL', id)).toBe(0);
    expect(await count('authfort_sessions', 'user_id = $1', id)).toBe(hard ? 0 : SESSIONS + 1);
  },
);

// The embedded database has one connection: nothing can wait for anything there.
(DATABASE_URL ? it : it.skip)('a deletion that takes its time holds up no other account', async () => {
  const [admin, large, other, banned] = await Promise.all(Array.from({ length: 4 }, () => server.signUp()));
  await server.authfort.addRole(admin!.id, 'admin');
  const login = await server.post('/auth/login', { email: admin!.email, password: PASSWORD });
  const bearer: string = login.body.tokens.access_token;
  const { url } = server.dataSource.options as { url: string };
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT 1 FROM authfort_users WHERE id = $1 FOR UPDATE', [large!.id]);
    const long = server.request(`/auth/admin/users/${large!.id}?hard=true`, { method: 'DELETE', bearer });
    const waiting = () =>
      client.query('SELECT 1 FROM pg_locks WHERE NOT granted AND locktype <> $1', ['advisory']);
    while ((await waiting()).rowCount === 0);
    const gone = await server.request('/auth/me', {
      method: 'DELETE',
      bearer: other!.accessToken,
      json: { password: PASSWORD },
    });
    const ban = await server.request(`/auth/admin/users/${banned!.id}/ban`, { method: 'POST', bearer });
    expect([gone.status, ban.status]).toEqual([204, 200]);
    await client.query('COMMIT');
    expect((await long).status).toBe(204);
  } finally {
    await client.end();
  }
});
