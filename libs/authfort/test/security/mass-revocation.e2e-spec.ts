import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { INTROSPECT_SECRET, PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

/** Sessions that the account collects before it ends all of them. More than one batch of row updates. */
const SESSIONS = Number(process.env.SESSIONS ?? 2500);

interface Entry {
  readonly sid?: string;
  readonly sub?: string;
  readonly ver?: number;
  readonly except?: { readonly sid: string; readonly ver: number };
}

describe('attack: one account ends a great number of sessions', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  async function feed(since?: string): Promise<{ cursor: string; revocations: Entry[] }> {
    const query = since === undefined ? '' : `?since=${since}`;
    const headers = { authorization: `Bearer ${INTROSPECT_SECRET}` };
    return (await server.request(`/revocations${query}`, { headers })).body;
  }
  /** Entries about this user or the sessions of this user that `act` writes. */
  async function entriesOf(user: SignedUp, act: () => Promise<unknown>): Promise<Entry[]> {
    const { cursor } = await feed();
    await act();
    const sessions = await server.dataSource.query<{ id: string }[]>(
      'SELECT id FROM authfort_sessions WHERE user_id = $1',
      [user.id],
    );
    const ids = new Set(sessions.map(({ id }) => id));
    const { revocations } = await feed(cursor);
    return revocations.filter(({ sid, sub }) => sub === user.id || ids.has(sid ?? ''));
  }
  const addSessions = ({ id }: SignedUp, count: number) =>
    server.dataSource.query(
      `INSERT INTO authfort_sessions (id, user_id, amr, created_at, expires_at)
       SELECT gen_random_uuid(), $1, '{pwd}', $2, $2::timestamptz + interval '90 days' FROM generate_series(1, $3)`,
      [id, server.clock.now(), count],
    );
  async function signIn({ email, id }: SignedUp): Promise<SignedUp> {
    const { body } = await server.post('/auth/login', { email, password: PASSWORD });
    const { access_token: accessToken, refresh_token: refreshToken } = body.tokens;
    return { email, id, sessionId: body.user.session_id, accessToken, refreshToken };
  }
  const me = async ({ accessToken }: SignedUp) =>
    (await server.request('/auth/me', { bearer: accessToken })).status;
  const isActive = async ({ accessToken }: SignedUp) =>
    (await server.introspect(accessToken)).body.active as boolean;
  const refresh = ({ refreshToken }: SignedUp) =>
    server.post('/auth/refresh', { refresh_token: refreshToken });
  const endAll = ({ accessToken }: SignedUp, query = '') =>
    server.request(`/auth/sessions${query}`, { method: 'DELETE', bearer: accessToken });

  it('writes one entry for all sessions, and every token and refresh token is dead', async () => {
    const user = await server.signUp();
    const other = await signIn(user);
    await addSessions(user, SESSIONS);
    const entries = await entriesOf(user, async () => expect((await endAll(user)).status).toBe(204));
    expect(entries).toEqual([expect.objectContaining({ sub: user.id, ver: 1 })]);
    for (const session of [user, other]) {
      expect([await me(session), await isActive(session)]).toEqual([401, false]);
      expect((await refresh(session)).body.error).toBe('refresh_token_revoked');
    }
    expect(await server.authfort.getSessions(user.id)).toEqual([]);
    const next = await signIn(user);
    expect([await me(next), (await refresh(next)).status]).toEqual([200, 200]);
    expect((await server.authfort.getSessions(user.id)).map(({ id }) => id)).toEqual([next.sessionId]);
  });

  it('does not end sessions that a server of the version before opens afterwards', async () => {
    const user = await server.signUp();
    await endAll(user);
    expect(await server.authfort.getSessions(user.id)).toEqual([]);
    // That server does not know the column `version`.
    await server.dataSource.query(
      `WITH session AS (
         INSERT INTO authfort_sessions (id, user_id, amr, created_at, expires_at)
         VALUES (gen_random_uuid(), $1, '{pwd}', $2, $2::timestamptz + interval '90 days') RETURNING id
       )
       INSERT INTO authfort_refresh_tokens (token_hash, session_id, issued_at, expires_at)
       SELECT sha256(id::text::bytea), id, $2, $2::timestamptz + interval '1 day' FROM session`,
      [user.id, server.clock.now()],
    );
    expect(await server.authfort.getSessions(user.id)).toHaveLength(1);
    const next = await signIn(user);
    await endAll(next);
    expect(await server.authfort.getSessions(user.id)).toEqual([]);
  });

  it('keeps the current session and its access token, until the next change of the account', async () => {
    const user = await server.signUp();
    const other = await signIn(user);
    await addSessions(user, SESSIONS);
    const entries = await entriesOf(user, () => endAll(user, '?keep=current'));
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ sub: user.id, ver: 1, except: { sid: user.sessionId, ver: 0 } });
    expect([await me(user), await isActive(user)]).toEqual([200, true]);
    expect([await me(other), await isActive(other), (await refresh(other)).status]).toEqual([
      401,
      false,
      401,
    ]);
    // The same token ends all others a second time, and changes the account.
    // The first entry may be repeated while another transaction is open on the server.
    const again = await entriesOf(user, () => endAll(user, '?keep=current'));
    expect(again.at(-1)).toMatchObject({ ver: 2, except: { sid: user.sessionId, ver: 0 } });
    expect(await me(user)).toBe(200);
    const patch = { method: 'PATCH', json: { name: 'Ada' }, bearer: user.accessToken };
    expect((await server.request('/auth/me', patch)).status).toBe(200);
    await server.authfort.addRole(user.id, 'clerk');
    expect([await me(user), await isActive(user)]).toEqual([401, false]);
    expect((await refresh(user)).status).toBe(200);
  });

  it('does not bring back tokens of the kept session that an earlier change had ended', async () => {
    const user = await server.signUp();
    await server.authfort.addRole(user.id, 'clerk');
    const { tokens } = (await refresh(user)).body;
    const current = { ...user, accessToken: tokens.access_token, refreshToken: tokens.refresh_token };
    expect((await endAll(current, '?keep=current')).status).toBe(204);
    expect([await me(current), await me(user), await isActive(user)]).toEqual([200, 401, false]);
  });

  it('keeps no session that had ended before', async () => {
    const user = await server.signUp();
    const other = await signIn(user);
    await server.authfort.revokeAllSessions(user.id);
    const next = await signIn(user);
    expect(await server.authfort.revokeAllSessions(user.id, other.sessionId)).toBe(1);
    for (const session of [user, other, next])
      expect([await me(session), (await refresh(session)).status]).toEqual([401, 401]);
  });

  it('leaves no token of an ended session valid, whatever races with the end', async () => {
    const user = await server.signUp();
    const kept = await signIn(user);
    const sessions = await Promise.all(Array.from({ length: 6 }, () => signIn(user)));
    const refreshed = sessions.map(async (session) => {
      const { status, body } = await refresh(session);
      return status === 200 ? { ...session, accessToken: body.tokens.access_token as string } : session;
    });
    const racers = await Promise.all([
      ...refreshed,
      ...Array.from({ length: 4 }, () => signIn(user)),
      ...[1, 2].map(() => server.authfort.revokeAllSessions(user.id, kept.sessionId).then(() => user)),
    ]);
    const live = new Set((await server.authfort.getSessions(user.id)).map(({ id }) => id));
    expect([live.has(kept.sessionId), live.has(user.sessionId)]).toEqual([true, false]);
    for (const session of [...racers, ...sessions, kept])
      if (!live.has(session.sessionId))
        expect([await me(session), await isActive(session)]).toEqual([401, false]);
    expect([await me(kept), (await refresh(kept)).status]).toEqual([200, 200]);
    for (const session of sessions) expect(live.has(session.sessionId)).toBe(false);
  });

  it('marks the rest of the rows in the clean-up', async () => {
    const user = await server.signUp();
    await addSessions(user, SESSIONS);
    await server.authfort.revokeAllSessions(user.id);
    await server.authfort.cleanup();
    const unmarked = await server.dataSource.query<unknown[]>(
      'SELECT 1 FROM authfort_sessions WHERE user_id = $1 AND revoked_at IS NULL',
      [user.id],
    );
    expect(unmarked).toEqual([]);
  });

  it.each<[string, (user: SignedUp) => Promise<unknown>]>([
    ['a ban', ({ id }) => server.authfort.banUser(id)],
    ['an anonymisation', ({ id }) => server.authfort.deleteUser(id)],
    ['a deletion', ({ id }) => server.authfort.deleteUser(id, { hard: true })],
    ['an administrator who ends all', ({ id }) => server.authfort.revokeAllSessions(id)],
    [
      'a change of password',
      ({ accessToken }) => {
        const body = { old_password: PASSWORD, new_password: `${PASSWORD}!` };
        return server.post('/auth/change-password', body, { bearer: accessToken });
      },
    ],
  ])('writes at most two entries: %s', async (_, act) => {
    const user = await server.signUp();
    await addSessions(user, 100);
    const entries = await entriesOf(user, () => act(user));
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.length).toBeLessThanOrEqual(2);
    expect(entries.filter(({ sid }) => sid !== undefined)).toEqual([]);
  });
});
