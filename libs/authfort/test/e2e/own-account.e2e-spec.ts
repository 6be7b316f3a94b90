import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EmailChangeService } from '../../src/email-change/email-change.service.js';
import { PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

const CHROME =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ options: { cookie: {}, passwordPolicy: { history: 3 } } });
});
afterAll(() => server.close());

const me = ({ accessToken }: Pick<SignedUp, 'accessToken'>) =>
  server.request('/auth/me', { bearer: accessToken });
const call = (user: Pick<SignedUp, 'accessToken'>, method: string, path: string, json?: unknown) =>
  server.request(`/auth${path}`, { method, json, bearer: user.accessToken });

async function signInAgain(email: string, userAgent = 'curl/8.0') {
  const { body } = await server.post(
    '/auth/login',
    { email, password: PASSWORD },
    { headers: { 'user-agent': userAgent } },
  );
  return { accessToken: body.tokens.access_token as string, sessionId: body.user.session_id as string };
}

describe('a profile', () => {
  it('is changed field by field', async () => {
    const user = await server.signUp();
    const changed = await call(user, 'PATCH', '/me', { name: ' Ada ', phone: '+44 20 7946 0000' });
    expect([changed.status, changed.body.name, changed.body.phone]).toEqual([200, 'Ada', '+44 20 7946 0000']);
    expect(changed.body.session_id).toBe(user.sessionId);
    await call(user, 'PATCH', '/me', { phone: null });
    expect((await me(user)).body).toMatchObject({ name: 'Ada', phone: null, avatar_url: null });
    expect((await call(user, 'PATCH', '/me', { name: 'Ada' })).body.name).toBe('Ada');
    const updates = await server.authfort.listAuditEntries({ userId: user.id, action: 'user_updated' });
    expect(updates.entries).toHaveLength(2);
  });

  it.each([
    [{ name: 'x'.repeat(256) }, 400, 'invalid_name'],
    [{ phone: 'call me' }, 400, 'invalid_phone'],
    [{ avatar_url: 'javascript:alert(1)' }, 400, 'invalid_avatar_url'],
    [{ name: 7 }, 422, 'validation_error'],
    [{ email: 'new@example.com' }, 422, 'validation_error'],
  ])('does not take %j', async (body, status, error) => {
    const user = await server.signUp();
    const refused = await call(user, 'PATCH', '/me', body);
    expect([refused.status, refused.body.error]).toEqual([status, error]);
  });
});

describe('the sessions of a user', () => {
  it('are listed with their device, and end one by one', async () => {
    const user = await server.signUp();
    const other = await signInAgain(user.email, CHROME);
    server.clock.advance(60);
    await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    const { body } = await call(user, 'GET', '/sessions');
    expect(body.sessions).toHaveLength(2);
    const of = (id: string) => body.sessions.find((session: { id: string }) => session.id === id);
    const [first, second] = [of(user.sessionId), of(other.sessionId)];
    expect(first.current).toBe(true);
    // To the hour, and not before the hour is over: see the attack that watches it.
    expect(first.last_seen_at).toBe(
      new Date(Math.floor(Date.parse(first.created_at) / 3.6e6) * 3.6e6).toISOString(),
    );
    expect(second).toMatchObject({
      current: false,
      ip: '127.0.0.1',
      user_agent: CHROME,
      device: { browser: 'Chrome 142', os: 'macOS', type: 'desktop' },
    });
    expect((await call(user, 'DELETE', `/sessions/${other.sessionId}`)).status).toBe(204);
    expect((await me(other)).body.error).toBe('session_revoked');
    const again = await call(user, 'DELETE', `/sessions/${other.sessionId}`);
    expect([again.status, again.body.error]).toEqual([404, 'session_not_found']);
    const own = await call(user, 'DELETE', `/sessions/${user.sessionId}`);
    expect([own.status, own.cookies.refresh_token]).toEqual([204, '']);
    expect((await me(user)).status).toBe(401);
  });

  it('are nobody else’s to end', async () => {
    const [user, stranger] = [await server.signUp(), await server.signUp()];
    for (const id of [user.sessionId, 'no-uuid', '%00'])
      expect((await call(stranger, 'DELETE', `/sessions/${id}`)).body.error).toBe('session_not_found');
    expect((await me(user)).status).toBe(200);
    expect((await call(user, 'DELETE', '/sessions?keep=everything')).status).toBe(422);
  });
});

describe('a change of address', () => {
  it('is confirmed at the new address and announced to the old one', async () => {
    const user = await server.signUp();
    const email = `new-${user.email}`;
    const asked = await call(user, 'POST', '/email-change', { email, password: PASSWORD });
    expect(asked.status).toBe(200);
    expect(await server.mailTo(user.email)).toContain(email);
    const token = await server.tokenFor(email);
    expect((await me(user)).body.email).toBe(user.email);
    expect((await server.post('/auth/email-change/confirm', { token })).status).toBe(200);
    expect((await me(user)).body).toMatchObject({ email, email_verified: true });
    expect((await server.post('/auth/email-change/confirm', { token })).body.error).toBe(
      'invalid_verification_token',
    );
    expect((await server.post('/auth/login', { email, password: PASSWORD })).status).toBe(200);
    await server.signUp(user.email);
  });

  it('makes what was mailed to the old address worthless', async () => {
    const user = await server.signUp();
    const verification = await server.tokenFor(user.email);
    const reset = await server.authfort.createPasswordResetToken(user.email);
    const link = await server.authfort.createMagicLinkToken(user.email);
    const code = await server.authfort.createEmailOtp(user.email);
    await server.authfort.updateUser(user.id, { email: `moved-${user.email}` });
    for (const [path, body] of [
      ['/auth/verify-email', { token: verification }],
      ['/auth/reset-password', { token: reset, new_password: `${PASSWORD}!` }],
      ['/auth/magic-link/verify', { token: link }],
      ['/auth/otp/verify', { email: user.email, code }],
    ] as const)
      expect((await server.post(path, body)).status).toBe(400);
    expect((await me(user)).body.email_verified).toBe(false);
  });

  it('needs the password once the sign-in is no longer fresh', async () => {
    const user = await server.signUp();
    const ask = (password?: string) =>
      call(user, 'POST', '/email-change', { email: `x-${user.email}`, password });
    expect((await ask('wrong password')).body.error).toBe('invalid_password');
    expect((await ask()).status).toBe(200);
    server.clock.advance(601);
    const stale = await ask();
    expect([stale.status, stale.body.error]).toEqual([401, 'insufficient_user_authentication']);
    // RFC 9470 §3
    expect(stale.headers.get('www-authenticate')).toContain('error="insufficient_user_authentication"');
  });

  it('tells nobody whether an address is taken', async () => {
    const [user, owner] = [await server.signUp(), await server.signUp()];
    await server.mailTo(owner.email);
    const before = server.mail.mails.length;
    const free = await call(user, 'POST', '/email-change', { email: `free-${user.email}` });
    const taken = await call(user, 'POST', '/email-change', { email: owner.email });
    expect([taken.status, taken.body]).toEqual([free.status, free.body]);
    await server.mailTo(owner.email);
    const sent = server.mail.mails.slice(before).map(({ to }) => to);
    expect(sent.sort()).toEqual([`free-${user.email}`, user.email, user.email].sort());
  });

  it('comes to nothing when its session was ended before the mail could be made', async () => {
    const user = await server.signUp();
    const account = await server.authfort.getUser(user.id);
    await server.authfort.revokeSession(user.id, user.sessionId);
    // A request that was let in before, and is only now writing its mail down.
    const email = `late-${user.email}`;
    await server.app.get(EmailChangeService).request({ ...account, sessionId: user.sessionId }, email);
    expect(await server.mailTo(email)).toBe('');
  });

  it.each([
    ['a change of password', ({ id }) => server.authfort.changePassword(id, PASSWORD, `${PASSWORD} 2`)],
    ['signing out everywhere', (user) => call(user, 'DELETE', '/sessions')],
    ['ending the other sessions', (user) => call(user, 'DELETE', '/sessions?keep=current')],
    ['ending the session', ({ id, sessionId }) => server.authfort.revokeSession(id, sessionId)],
  ] as [string, (user: SignedUp) => Promise<unknown>][])('is stopped by %s', async (_, stop) => {
    const user = await server.signUp();
    const email = `thief-${user.email}`;
    await call(user, 'POST', '/email-change', { email });
    const token = await server.tokenFor(email);
    await stop(user);
    expect((await server.post('/auth/email-change/confirm', { token })).status).toBe(400);
    expect((await server.authfort.getUser(user.id)).email).toBe(user.email);
  });
});

describe('an account', () => {
  it('is handed out with everything that is held on it, and no secret', async () => {
    const user = await server.signUp();
    await server.authfort.addRole(user.id, 'editor');
    await server.authfort.createMagicLinkToken(user.email);
    const again = await signInAgain(user.email, CHROME);
    const { status, body, text, headers } = await call(again, 'GET', '/me/export');
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toMatchObject({
      user: { id: user.id, email: user.email, roles: ['editor'] },
      has_password: true,
      links: expect.arrayContaining([expect.objectContaining({ purpose: 'magic_link', email: user.email })]),
    });
    expect(body.sessions.map(({ user_agent }: { user_agent: string }) => user_agent)).toContain(CHROME);
    expect(body.audit_log.map(({ action }: { action: string }) => action)).toEqual(
      expect.arrayContaining(['user_created', 'login', 'role_added']),
    );
    expect(text).not.toMatch(/argon2|hash/);
  });

  it('tells its maker nothing of the owner of its address, as long as that is not confirmed', async () => {
    const user = await server.signUp();
    const headers = { 'user-agent': 'Owner/1.0' };
    await server.post('/auth/login', { email: user.email, password: 'not the password' }, { headers });
    await server.post('/auth/forgot-password', { email: user.email }, { headers });
    await server.mailTo(user.email);
    expect((await call(user, 'GET', '/me/export')).text).not.toContain('Owner/1.0');
    await call(user, 'POST', '/email-change', { email: `free-${user.email}` });
    await server.mailTo(user.email);
    expect((await call(user, 'GET', '/me/export')).text).not.toContain('free-');
  });

  it('is deleted by its owner, with the password or soon after signing in', async () => {
    const user = await server.signUp();
    expect((await call(user, 'DELETE', '/me', { password: 'wrong password' })).status).toBe(400);
    server.clock.advance(601);
    expect((await call(user, 'DELETE', '/me')).body.error).toBe('insufficient_user_authentication');
    const gone = await call(user, 'DELETE', '/me', { password: PASSWORD });
    expect([gone.status, gone.cookies.access_token]).toEqual([204, '']);
    expect((await me(user)).status).toBe(401);
    expect((await server.introspect(user.accessToken)).body).toEqual({ active: false });
    expect((await server.post('/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(401);
    expect((await server.post('/auth/login', { email: user.email, password: PASSWORD })).body.error).toBe(
      'invalid_credentials',
    );
    const next = await server.signUp(user.email);
    expect(next.id).not.toBe(user.id);
    const fresh = await server.signUp();
    expect((await call(fresh, 'DELETE', '/me')).status).toBe(204);
  });
});
