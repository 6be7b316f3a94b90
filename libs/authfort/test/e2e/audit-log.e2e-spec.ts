import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Param, Post } from '@nestjs/common';
import { AuthFort, Roles } from 'authfort';
import { settleOutbox } from 'authfort/testing';
import { PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

/** An app's own administration. */
@Controller('support')
class SupportController {
  constructor(private readonly authfort: AuthFort) {}

  @Post('ban/:id')
  @Roles('admin')
  ban(@Param('id') id: string): Promise<void> {
    return this.authfort.banUser(id);
  }
}

interface Entry {
  id: string;
  action: string;
  actor_id: string | null;
  user_id: string | null;
  session_id: string | null;
}

describe('the audit log', () => {
  let server: TestServer;
  let admin: SignedUp;
  beforeAll(async () => {
    server = await startServer({ controllers: [SupportController] });
    admin = await server.signUp('admin@example.com');
    await server.authfort.addRole(admin.id, 'admin');
    await signInAgain();
  });
  afterAll(() => server.close());

  const signInAgain = async () => {
    const login = await server.post('/auth/login', { email: admin.email, password: PASSWORD });
    admin.accessToken = login.body.tokens.access_token;
  };
  const read = (query = '') =>
    server.request(`/auth/admin/audit${query}`, { bearer: admin.accessToken, headers: {} });
  const entriesOf = async (userId: string): Promise<Entry[]> =>
    (await read(`?user_id=${userId}&limit=500`)).body.entries;

  it('tells the whole life of an account, and holds no secret of it', async () => {
    const secrets = [PASSWORD, 'not the password', 'a second password', 'a third password'];
    const keep = (body: { tokens: { access_token: string; refresh_token: string } }) => {
      secrets.push(body.tokens.access_token, body.tokens.refresh_token);
      return body.tokens;
    };
    const user = await server.signUp('life@example.com');
    secrets.push(user.accessToken, user.refreshToken);
    const linkIn = async () => {
      const token = await server.tokenFor(user.email);
      secrets.push(token);
      return token;
    };
    const login = async (password: string) =>
      keep((await server.post('/auth/login', { email: user.email, password })).body);

    await server.post('/auth/verify-email/request', undefined, { bearer: user.accessToken });
    await server.post('/auth/verify-email', { token: await linkIn() });
    await server.post('/auth/login', { email: user.email, password: 'not the password' });
    const first = keep((await server.post('/auth/refresh', { refresh_token: user.refreshToken })).body);
    keep((await server.post('/auth/refresh', { refresh_token: first.refresh_token })).body);
    server.clock.advance(60);
    await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    await server.post('/auth/magic-link', { email: user.email });
    keep((await server.post('/auth/magic-link/verify', { token: await linkIn() })).body);
    await server.post('/auth/otp', { email: user.email });
    const code = /\b\d{6}\b/.exec(await server.mailTo(user.email))![0];
    keep((await server.post('/auth/otp/verify', { email: user.email, code })).body);
    let session = await login(PASSWORD);
    const change = { old_password: PASSWORD, new_password: 'a second password' };
    await server.post('/auth/change-password', change, { bearer: session.access_token });
    await server.post('/auth/forgot-password', { email: user.email });
    await server.post('/auth/reset-password', { token: await linkIn(), new_password: 'a third password' });
    session = await login('a third password');
    await server.post('/auth/logout', { refresh_token: session.refresh_token });
    session = await login('a third password');
    await server.request('/auth/sessions', { method: 'DELETE', bearer: session.access_token });
    await server.authfort.addRole(user.id, 'editor');
    await server.authfort.removeRole(user.id, 'editor');
    await server.authfort.banUser(user.id);
    await server.authfort.unbanUser(user.id);
    await settleOutbox(server.app);
    await signInAgain();

    const entries = await entriesOf(user.id);
    const bySelf = new Set(entries.filter((one) => one.actor_id === user.id).map(({ action }) => action));
    const byNobody = new Set(entries.filter((one) => one.actor_id === null).map(({ action }) => action));
    expect([...bySelf].sort()).toEqual([
      'email_otp_login',
      'email_verification_requested',
      'email_verified',
      'login',
      'logout',
      'magic_link_login',
      'password_changed',
      'password_reset',
      'session_revoked',
      'user_created',
    ]);
    expect([...byNobody].sort()).toEqual([
      'email_otp_requested',
      'login_failed',
      'magic_link_requested',
      'password_reset_requested',
      'refresh_token_reused',
      'role_added',
      'role_removed',
      'user_banned',
      'user_unbanned',
    ]);
    expect(entries.map(({ id }) => Number(id))).toEqual(
      entries.map(({ id }) => Number(id)).sort((a, b) => b - a),
    );
    expect(entries.find(({ action }) => action === 'refresh_token_reused')!.session_id).toBe(user.sessionId);

    const rows = await server.dataSource.query(
      'SELECT t::text FROM authfort_audit_log t UNION ALL SELECT t::text FROM authfort_outbox t',
    );
    const dump = JSON.stringify(rows);
    expect(dump).toContain(user.id);
    for (const secret of [...secrets, user.email, ` ${code}`]) expect(dump).not.toContain(secret);
  });
  it('names the administrator, also in a route of the app', async () => {
    const user = await server.signUp();
    const { status } = await server.post(`/support/ban/${user.id}`, undefined, { bearer: admin.accessToken });
    expect(status).toBe(201);
    const entry = (await entriesOf(user.id)).find(({ action }) => action === 'user_banned');
    expect(entry).toEqual({
      repeats: 1,
      id: expect.stringMatching(/^\d+$/),
      at: server.clock.now().toISOString(),
      action: 'user_banned',
      actor_id: admin.id,
      user_id: user.id,
      session_id: null,
      ip: '127.0.0.1',
      user_agent: 'node',
      detail: {},
    });
    const { body } = await read(`?actor_id=${admin.id}&action=user_banned`);
    expect(body.entries.map(({ id }: Entry) => id)).toEqual([entry!.id]);
  });
  it('is read in pages, by time', async () => {
    server.clock.advance(60);
    await signInAgain();
    const from = server.clock.now().toISOString();
    const user = await server.signUp();
    await settleOutbox(server.app);
    for (const role of ['a', 'b', 'c']) await server.authfort.addRole(user.id, role);
    server.clock.advance(60);
    await server.authfort.addRole(user.id, 'd');
    const seen: Entry[] = [];
    const query = `?user_id=${user.id}&from=${from}&to=${server.clock.now().toISOString()}&limit=2`;
    for (let cursor: string | null = ''; cursor !== null;) {
      const { status, body, headers } = await read(query + (cursor && `&cursor=${cursor}`));
      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(body.entries.length).toBeLessThanOrEqual(2);
      seen.push(...body.entries);
      cursor = body.next_cursor;
    }
    expect(seen.map(({ action }) => action)).toEqual([
      'role_added',
      'role_added',
      'role_added',
      'email_verification_requested',
      'login',
      'user_created',
    ]);
  });
  it.each([
    'user_id=1',
    "user_id=' OR 1=1",
    'actor_id=',
    'action=DROP TABLE',
    'action=',
    'from=yesterday',
    'to=2026-13-45T00:00:00Z',
    'from=2026-01-01',
    'limit=0',
    'limit=501',
    'limit=-1',
    'limit=1e2',
    'cursor=abc',
    'cursor=9999999999999999999999',
    'cursor=-1',
    'user=x',
    'limit=1&limit=2',
    'action[x]=y',
    'action=%00',
  ])('refuses ?%s with 422', async (query) => {
    const { status, body } = await read(`?${query}`);
    expect([status, body.error]).toEqual([422, 'validation_error']);
  });
  it.each(['from=0000-01-01T00:00:00Z', 'to=9999-12-31T23:59:59%2B14:00', 'cursor=999999999999999999'])(
    'takes ?%s',
    async (query) => expect((await read(`?${query}`)).status).toBe(200),
  );
  it.each(['limit=0', 'cursor=1.2', 'cursor=99999999999999.------------------------------------', 'x=1'])(
    'refuses dead-letters?%s with 422',
    async (query) => {
      const { status } = await server.request(`/auth/admin/dead-letters?${query}`, {
        bearer: admin.accessToken,
      });
      expect(status).toBe(422);
    },
  );
  it('is for administrators', async () => {
    const user = await server.signUp();
    for (const [method, path] of [
      ['GET', 'audit'],
      ['GET', 'dead-letters'],
      ['POST', `dead-letters/${user.id}/retry`],
    ] as const) {
      const { status, body } = await server.request(`/auth/admin/${path}`, {
        method,
        bearer: user.accessToken,
      });
      expect([status, body.error]).toEqual([403, 'insufficient_role']);
    }
    const unknown = await server.post('/auth/admin/dead-letters/%00/retry', undefined, {
      bearer: admin.accessToken,
    });
    expect([unknown.status, unknown.body.error]).toEqual([404, 'dead_letter_not_found']);
    await expect(server.authfort.listAuditEntries({ userId: 'x', limit: 1.5 })).rejects.toMatchObject({
      code: 'validation_error',
    });
  });
  it('refuses to be changed', async () => {
    for (const change of [`action = 'login'`, `detail = '{}'`, `old_email = 'a@example.com'`, `ip = '::1'`])
      await expect(
        server.dataSource.query(`UPDATE authfort_audit_log SET ${change} WHERE action = 'role_added'`),
      ).rejects.toThrow('append-only');
  });
});
