import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccessTokenVerifier } from 'authfort-service';
import { claimsOf, PASSWORD, startServer, type TestServer } from '../harness.js';

describe('the state of an address', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ options: { claims: { email: false } } });
  });
  afterAll(() => server.close());

  it('is in the access token, in introspection and in the user of a request', async () => {
    const user = await server.signUp();
    expect(claimsOf(user.accessToken)).toMatchObject({ email_verified: false });
    expect((await server.introspect(user.accessToken)).body).toMatchObject({ email_verified: false });
    const verifier = server.app.get(AccessTokenVerifier);
    expect((await verifier.verify(user.accessToken)).emailVerified).toBe(false);
    await server.post('/auth/verify-email', { token: await server.tokenFor(user.email) });
    // The session continues. Introspection and the next token have the present state.
    expect((await server.introspect(user.accessToken)).body).toMatchObject({ email_verified: true });
    expect(await server.authfort.verifyToken(user.accessToken)).toMatchObject({ emailVerified: true });
    const { body } = await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    expect(claimsOf(body.tokens.access_token)).toMatchObject({ email_verified: true });
  });

  it('ends the access tokens that state more than is true', async () => {
    const user = await server.signUp();
    await server.authfort.updateUser(user.id, { emailVerified: true });
    const { body } = await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    const { access_token: bearer, refresh_token } = body.tokens;
    expect((await server.request('/auth/me', { bearer })).status).toBe(200);
    await server.authfort.updateUser(user.id, { email: `moved-${user.email}` });
    expect((await server.request('/auth/me', { bearer })).body.error).toBe('token_version_mismatch');
    const next = await server.post('/auth/refresh', { refresh_token });
    expect(claimsOf(next.body.tokens.access_token)).toMatchObject({ email_verified: false });
  });
});

describe('requireVerifiedEmail', () => {
  let server: TestServer;
  /** A replica that does not require it. */
  let before: TestServer;
  const options = { requireVerifiedEmail: true, rateLimit: {}, cookie: {}, allowPasswordlessSignup: true };
  beforeAll(async () => {
    server = await startServer({ options });
    before = await startServer({ replicaOf: server });
  });
  afterAll(async () => {
    await server.close();
    await before.close();
  });

  const login = (email: string, password = PASSWORD) => server.post('/auth/login', { email, password });
  const sessions = async () =>
    (await server.dataSource.query('SELECT count(*)::int AS n FROM authfort_sessions'))[0].n as number;
  let count = 0;
  async function signUp() {
    const email = `user-${(count += 1)}@example.com`;
    const answer = await server.post('/auth/signup', { email, password: PASSWORD, name: 'Ada' });
    expect(answer.status).toBe(201);
    return { email, answer, id: answer.body.user.id as string };
  }

  it('signs up without signing in', async () => {
    const { email, answer } = await signUp();
    expect(answer.body).toEqual({
      user: expect.objectContaining({ email, name: 'Ada', email_verified: false, session_id: null }),
      tokens: null,
    });
    expect([answer.setCookies, answer.headers.get('cache-control')]).toEqual([[], 'no-store']);
    expect(await sessions()).toBe(0);
  });

  it('refuses the right password, mails the link again, and signs in once it was followed', async () => {
    const { email } = await signUp();
    const first = await server.tokenFor(email);
    const refused = await login(email);
    expect([refused.status, refused.body]).toEqual([
      403,
      { statusCode: 403, error: 'email_not_verified', message: expect.any(String) },
    ]);
    expect(refused.setCookies).toEqual([]);
    const second = await server.tokenFor(email);
    expect(second).not.toBe(first);
    await expect(server.authfort.login(email, PASSWORD)).rejects.toMatchObject({
      code: 'email_not_verified',
    });
    expect(await sessions()).toBe(0);
    expect((await server.post('/auth/verify-email', { token: second })).status).toBe(200);
    expect((await login(email)).body.user).toMatchObject({ email, name: 'Ada', email_verified: true });
  });

  it('reveals nothing without the password, and mails nothing then', async () => {
    const { email } = await signUp();
    await server.mailTo(email);
    const sent = server.mail.mails.length;
    const wrong = await login(email, 'not the password');
    const unknown = await login('nobody@example.com', 'not the password');
    expect([wrong.status, wrong.text]).toEqual([unknown.status, unknown.text]);
    await server.mailTo(email);
    expect(server.mail.mails).toHaveLength(sent);
  });

  it('does not fill a mailbox', async () => {
    const { email } = await signUp();
    for (let n = 0; n < 9; n += 1) expect((await login(email)).status).toBe(403);
    await server.mailTo(email);
    expect(server.mail.mails.filter(({ to }) => to === email)).toHaveLength(5);
  });

  it('accepts a sign-in that proves the address', async () => {
    const one = await signUp();
    const token = await server.authfort.createMagicLinkToken(one.email);
    expect((await server.post('/auth/magic-link/verify', { token })).body.user.email_verified).toBe(true);
    const two = await signUp();
    const code = await server.authfort.createEmailOtp(two.email);
    expect((await server.post('/auth/otp/verify', { email: two.email, code })).status).toBe(200);
    const three = await signUp();
    const reset = await server.authfort.createPasswordResetToken(three.email);
    await server.post('/auth/reset-password', { token: reset, new_password: `${PASSWORD} 2` });
    expect((await login(three.email, `${PASSWORD} 2`)).status).toBe(200);
  });

  it('refreshes no session while its address is not verified', async () => {
    const user = await server.authfort.createUser({
      email: 'moved@example.com',
      password: PASSWORD,
      emailVerified: true,
    });
    const { tokens } = (await login(user.email)).body;
    const body = { refresh_token: tokens.refresh_token };
    await server.authfort.updateUser(user.id, { email: 'unverified@example.com' });
    const refused = await server.post('/auth/refresh', body);
    expect([refused.status, refused.body.error]).toEqual([403, 'email_not_verified']);
    await expect(server.authfort.refresh(tokens.refresh_token)).rejects.toMatchObject({ statusCode: 403 });
    expect((await login('unverified@example.com')).status).toBe(403);
    await server.authfort.updateUser(user.id, { emailVerified: true });
    expect((await server.post('/auth/refresh', body)).status).toBe(200);
  });

  it('holds for sessions that were opened before it was switched on', async () => {
    const user = await before.signUp();
    expect((await server.post('/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(403);
    expect((await before.post('/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(200);
  });
});
