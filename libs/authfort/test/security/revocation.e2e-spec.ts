import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

/** ASVS 7.4: whatever takes access away is felt by the next request with an old token. */
describe('attack: old tokens after access was taken away', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  async function expectDead(user: SignedUp, code: string, status = 401): Promise<void> {
    const me = await server.request('/auth/me', { bearer: user.accessToken });
    expect([me.status, me.body.error]).toEqual([status, code]);
    expect((await server.introspect(user.accessToken)).body).toEqual({ active: false });
  }
  const refresh = (user: SignedUp) => server.post('/auth/refresh', { refresh_token: user.refreshToken });

  it('logout', async () => {
    const user = await server.signUp();
    await server.post('/auth/logout', { refresh_token: user.refreshToken });
    await expectDead(user, 'session_revoked');
    expect((await refresh(user)).body.error).toBe('refresh_token_revoked');
  });
  it('ban, and nothing of it comes back with the unban', async () => {
    const user = await server.signUp();
    await server.authfort.banUser(user.id);
    await expectDead(user, 'user_banned', 403);
    expect((await refresh(user)).body.error).toBe('user_banned');
    await server.authfort.unbanUser(user.id);
    await expectDead(user, 'session_revoked');
    expect((await refresh(user)).body.error).toBe('refresh_token_revoked');
    expect((await server.post('/auth/login', { email: user.email, password: PASSWORD })).status).toBe(200);
  });
  it('a role added or removed: the next refresh carries the truth', async () => {
    const user = await server.signUp();
    await server.authfort.addRole(user.id, 'admin');
    await expectDead(user, 'token_version_mismatch');
    const promoted = (await refresh(user)).body;
    await server.authfort.addRole(user.id, 'admin');
    expect((await server.request('/auth/me', { bearer: promoted.tokens.access_token })).status).toBe(200);
    expect(promoted.user.roles).toEqual(['admin']);
    await server.authfort.removeRole(user.id, 'admin');
    await expectDead({ ...user, accessToken: promoted.tokens.access_token }, 'token_version_mismatch');
    const demoted = await server.post('/auth/refresh', { refresh_token: promoted.tokens.refresh_token });
    expect(demoted.body.user.roles).toEqual([]);
  });
  it('nothing, where nothing has changed', async () => {
    const user = await server.signUp();
    await server.authfort.removeRole(user.id, 'admin');
    await server.authfort.removeRole(user.id, 'no\u0000role');
    for (const id of ['no uuid', randomUUID()]) {
      await expect(server.authfort.revokeSession(user.id, id)).rejects.toMatchObject({
        code: 'session_not_found',
      });
    }
    await expect(server.authfort.revokeAllSessions(user.id, 'no uuid')).rejects.toMatchObject({
      code: 'session_not_found',
    });
    expect((await server.request('/auth/me', { bearer: user.accessToken })).status).toBe(200);
  });
  it('all sessions by their owner, or all others', async () => {
    const first = await server.signUp();
    const signIn = async () =>
      (await server.post('/auth/login', { email: first.email, password: PASSWORD })).body.tokens.access_token;
    const [second, third] = [await signIn(), await signIn()];
    const end = (query: string, bearer: string) =>
      server.request(`/auth/sessions${query}`, { method: 'DELETE', bearer });
    expect((await end('?keep=current', second)).status).toBe(204);
    await expectDead(first, 'session_revoked');
    expect((await server.request('/auth/me', { bearer: third })).status).toBe(401);
    expect((await server.request('/auth/me', { bearer: second })).status).toBe(200);
    expect((await end('', second)).status).toBe(204);
    expect((await server.request('/auth/me', { bearer: second })).body.error).toBe('session_revoked');
    expect((await end('', 'nonsense')).status).toBe(401);
  });
  it('one session revoked, the other lives; then all', async () => {
    const first = await server.signUp();
    const login = (await server.post('/auth/login', { email: first.email, password: PASSWORD })).body;
    const second = {
      ...first,
      sessionId: login.user.session_id,
      accessToken: login.tokens.access_token,
      refreshToken: login.tokens.refresh_token,
    };
    expect((await server.authfort.getSessions(first.id)).map(({ id }) => id).sort()).toEqual(
      [first.sessionId, second.sessionId].sort(),
    );
    await server.authfort.revokeSession(first.id, first.sessionId);
    await expectDead(first, 'session_revoked');
    expect((await server.request('/auth/me', { bearer: second.accessToken })).status).toBe(200);
    expect(await server.authfort.revokeAllSessions(first.id)).toBe(1);
    await expectDead(second, 'session_revoked');
  });
  it("does not revoke another user's session", async () => {
    const [mine, theirs] = [await server.signUp(), await server.signUp()];
    await expect(server.authfort.revokeSession(mine.id, theirs.sessionId)).rejects.toMatchObject({
      code: 'session_not_found',
    });
    expect((await server.request('/auth/me', { bearer: theirs.accessToken })).status).toBe(200);
  });
  it('a deleted row', async () => {
    const user = await server.signUp();
    await server.dataSource.query('DELETE FROM authfort_users WHERE id = $1', [user.id]);
    await expectDead(user, 'token_invalid');
    expect((await refresh(user)).body.error).toBe('refresh_token_invalid');
  });
  it('introspection stays active over many refreshes', async () => {
    const user = await server.signUp();
    let tokens = { access_token: user.accessToken, refresh_token: user.refreshToken };
    for (let round = 0; round < 4; round += 1) {
      tokens = (await server.post('/auth/refresh', { refresh_token: tokens.refresh_token })).body.tokens;
      expect((await server.introspect(tokens.access_token)).body.active).toBe(true);
      expect((await server.introspect(user.accessToken)).body.active).toBe(true);
    }
  });
  const NEXT = 'a new horse, a new battery';
  const signIn = async (email: string) =>
    (await server.post('/auth/login', { email, password: PASSWORD })).body.tokens.access_token as string;
  const dead = async (user: SignedUp, code: string) => {
    await expectDead(user, code);
    expect((await refresh(user)).status).toBe(401);
  };
  it('a changed password', async () => {
    const user = await server.signUp();
    const body = { old_password: PASSWORD, new_password: NEXT };
    await server.post('/auth/change-password', body, { bearer: await signIn(user.email) });
    await dead(user, 'session_revoked');
  });
  it('a reset password', async () => {
    const user = await server.signUp();
    const token = await server.authfort.createPasswordResetToken(user.email);
    await server.post('/auth/reset-password', { token, new_password: NEXT });
    await dead(user, 'session_revoked');
  });
  it('an account that is anonymised or deleted, by its owner or an administrator', async () => {
    const admin = await server.signUp();
    await server.authfort.addRole(admin.id, 'admin');
    const { access_token: bearer } = (await refresh(admin)).body.tokens;
    for (const query of ['', '?hard=true']) {
      const user = await server.signUp();
      await server.request(`/auth/admin/users/${user.id}${query}`, { method: 'DELETE', bearer });
      await dead(user, 'token_invalid');
    }
    const user = await server.signUp();
    await server.request('/auth/me', {
      method: 'DELETE',
      json: { password: PASSWORD },
      bearer: user.accessToken,
    });
    await dead(user, 'token_invalid');
  });
  it('one session ended by an administrator, or all', async () => {
    const admin = await server.signUp();
    await server.authfort.addRole(admin.id, 'admin');
    const { access_token: bearer } = (await refresh(admin)).body.tokens;
    const user = await server.signUp();
    const other = await signIn(user.email);
    const end = (path: string) =>
      server.request(`/auth/admin/users/${user.id}/sessions${path}`, { method: 'DELETE', bearer });
    await end(`/${user.sessionId}`);
    await dead(user, 'session_revoked');
    expect((await server.request('/auth/me', { bearer: other })).status).toBe(200);
    await end('');
    expect((await server.request('/auth/me', { bearer: other })).body.error).toBe('session_revoked');
  });
  it('a first password and another address end no session; what is asked in real time tells the new address', async () => {
    const user = await server.signUp();
    await server.dataSource.query('UPDATE authfort_users SET password_hash = NULL WHERE id = $1', [user.id]);
    expect(
      (await server.post('/auth/set-password', { password: NEXT }, { bearer: user.accessToken })).status,
    ).toBe(200);
    await server.post('/auth/email-change', { email: `next-${user.email}` }, { bearer: user.accessToken });
    await server.post('/auth/email-change/confirm', { token: await server.tokenFor(`next-${user.email}`) });
    expect((await server.introspect(user.accessToken)).body).toMatchObject({
      active: true,
      email: `next-${user.email}`,
    });
    expect((await refresh(user)).status).toBe(200);
  });
  it('every session, marked as revoked in SQL after an old dump was restored', async () => {
    const user = await server.signUp();
    await server.dataSource.query(
      "UPDATE authfort_sessions SET revoked_at = now(), revoked_reason = 'restore' WHERE user_id = $1",
      [user.id],
    );
    await expectDead(user, 'session_revoked');
    expect((await refresh(user)).body.error).toBe('refresh_token_revoked');
  });
  it('a request that was let in before an account was deleted', async () => {
    const user = await server.signUp();
    const before = await server.authfort.getUser(user.id);
    await server.authfort.deleteUser(user.id);
    await expect(server.authfort.updateUser(before.id, { name: 'back again' })).rejects.toMatchObject({
      code: 'user_not_found',
    });
  });
});
