import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Session } from 'authfort';
import { PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

const MOST = 5;

/** One account that opens sessions without end must cost the other users nothing. */
describe('attack: sessions without number', () => {
  let server: TestServer;
  let strict: TestServer;
  beforeAll(async () => {
    server = await startServer({ options: { maxSessionsPerUser: MOST } });
  });
  afterAll(async () => {
    await strict.close();
    await server.close();
  });

  const login = async ({ email }: Pick<SignedUp, 'email'>, at = server) => {
    const { body } = await at.post('/auth/login', { email, password: PASSWORD });
    return {
      sid: body.user.session_id as string,
      ...(body.tokens as { access_token: string; refresh_token: string }),
    };
  };
  const live = async ({ id }: SignedUp) =>
    (await server.authfort.getSessions(id)).map((session) => session.id);
  const rowsOf = async (sessionId: string) => {
    const [row] = await server.dataSource.query(
      `SELECT revoked_reason AS reason, (SELECT count(*)::int FROM authfort_revocations r WHERE r.session_id = s.id) AS told
       FROM authfort_sessions s WHERE id = $1`,
      [sessionId],
    );
    return row as { reason: string | null; told: number };
  };

  it('ends the one that was used longest ago, and tells the services', async () => {
    const user = await server.signUp();
    const other = await server.signUp();
    server.clock.advance(1);
    const sessions = [];
    for (let count = 1; count < MOST; count += 1) {
      sessions.push(await login(user));
      server.clock.advance(1);
    }
    // The oldest, and yet not the one that was used longest ago.
    const first = (await server.post('/auth/refresh', { refresh_token: user.refreshToken })).body.tokens;
    server.clock.advance(1);
    const newest = await login(user);
    const [oldest, ...rest] = sessions;
    expect((await live(user)).sort()).toEqual(
      [user.sessionId, ...rest.map(({ sid }) => sid), newest.sid].sort(),
    );
    expect(await rowsOf(oldest!.sid)).toEqual({ reason: 'session_limit', told: 1 });
    expect((await server.request('/auth/me', { bearer: oldest!.access_token })).body.error).toBe(
      'session_revoked',
    );
    expect((await server.post('/auth/refresh', { refresh_token: oldest!.refresh_token })).status).toBe(401);
    expect((await server.request('/auth/me', { bearer: first.access_token })).status).toBe(200);
    expect((await server.request('/auth/me', { bearer: other.accessToken })).status).toBe(200);
  });

  it('holds in 20 sign-ins at the same moment', async () => {
    const user = await server.signUp();
    server.clock.advance(1);
    await Promise.all(Array.from({ length: 20 }, () => login(user)));
    expect(await live(user)).toHaveLength(MOST);
    const [{ count }] = await server.dataSource.query(
      'SELECT count(*)::int FROM authfort_sessions WHERE user_id = $1 AND revoked_at IS NULL',
      [user.id],
    );
    expect(count).toBe(MOST);
  });

  it('ends those that are over a lower number, at the next sign-in', async () => {
    const user = await server.signUp();
    for (let count = 1; count < MOST; count += 1) await login(user);
    strict = await startServer({ replicaOf: server, options: { maxSessionsPerUser: 1 } });
    server.clock.advance(1);
    const { sid } = await login(user, strict);
    expect(await live(user)).toEqual([sid]);
  });

  it('ends the oldest thousand at a time, of any number', async () => {
    const user = await server.signUp();
    const now = server.clock.now();
    await server.dataSource.query(
      `WITH many AS (
         INSERT INTO authfort_sessions (id, user_id, amr, created_at, expires_at)
         SELECT gen_random_uuid(), $1, '{pwd}', $2::timestamptz - n * interval '1 s', $2::timestamptz + interval '1 day'
         FROM generate_series(1, 2500) AS n RETURNING id, created_at
       )
       INSERT INTO authfort_refresh_tokens (token_hash, session_id, issued_at, expires_at)
       SELECT sha256(id::text::bytea), id, created_at, $2::timestamptz + interval '1 day' FROM many`,
      [user.id, now],
    );
    const left: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      server.clock.advance(1);
      await login(user);
      const [row] = await server.dataSource.query(
        `SELECT count(*) FILTER (WHERE revoked_at IS NULL)::int AS live,
           coalesce(max(created_at) FILTER (WHERE revoked_at IS NOT NULL) < min(created_at) FILTER (WHERE revoked_at IS NULL), false) AS oldest
         FROM authfort_sessions WHERE user_id = $1`,
        [user.id],
      );
      expect(row.oldest).toBe(true);
      left.push(row.live);
    }
    expect(left).toEqual([1502, 503, MOST]);
  });

  it('keeps those that newer sign-ins ended for a day only, and those that ended otherwise as evidence', async () => {
    const user = await server.signUp();
    await server.post('/auth/logout', { refresh_token: user.refreshToken });
    const first = await login(user);
    for (let count = 0; count < MOST; count += 1) {
      server.clock.advance(1);
      await login(user);
    }
    server.clock.advance(86_000);
    await server.authfort.cleanup();
    expect((await rowsOf(first.sid)).reason).toBe('session_limit');
    server.clock.advance(500);
    await server.authfort.cleanup();
    expect(await rowsOf(first.sid)).toBeUndefined();
    expect((await server.post('/auth/refresh', { refresh_token: first.refresh_token })).status).toBe(401);
    expect((await rowsOf(user.sessionId)).reason).toBe('logout');
    expect(await live(user)).toHaveLength(MOST);
  });

  it('lists sessions in pages, to their owner, to administrators and in code', async () => {
    const user = await server.signUp();
    for (let count = 1; count < MOST; count += 1) {
      if (count % 2) server.clock.advance(1);
      await login(user);
    }
    const all = await live(user);
    const admin = await server.signUp();
    await server.authfort.addRole(admin.id, 'admin');
    const adminToken = (await login(admin)).access_token;
    for (const [path, bearer] of [
      ['/auth/sessions', user.accessToken],
      [`/auth/admin/users/${user.id}/sessions`, adminToken],
    ] as const) {
      const seen: string[] = [];
      let cursor: string | null = '';
      for (let pages = 0; cursor !== null && pages < 9; pages += 1) {
        const { body, status } = await server.request(`${path}?limit=2${cursor && `&cursor=${cursor}`}`, {
          bearer,
        });
        expect([status, body.sessions.length]).toEqual([200, pages < 2 ? 2 : 1]);
        seen.push(...body.sessions.map(({ id }: Session) => id));
        cursor = body.next_cursor;
      }
      expect(seen).toEqual(all);
      const whole = await server.request(path, { bearer });
      expect([whole.body.sessions.length, whole.body.next_cursor]).toEqual([MOST, null]);
      for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=x', 'cursor=', 'nothing=1'])
        expect([query, (await server.request(`${path}?${query}`, { bearer })).status]).toEqual([query, 422]);
    }
    const page = await server.authfort.listSessions(user.id, { limit: 3 });
    const next = await server.authfort.listSessions(user.id, { limit: 3, cursor: page.nextCursor! });
    expect([...page.sessions, ...next.sessions].map(({ id }) => id)).toEqual(all);
    expect(next.nextCursor).toBeNull();
    await expect(server.authfort.listSessions(user.id, { cursor: 'x' })).rejects.toMatchObject({
      code: 'validation_error',
    });
  });
});
