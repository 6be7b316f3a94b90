import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EmailChangeService } from '../../src/email-change/email-change.service.js';
import { ChangePasswordService } from '../../src/password/change-password.service.js';
import { type AuthEvent, OnAuthEvent } from 'authfort';
import { type Answer, PASSWORD, startServer, type TestServer } from '../harness.js';

class Claims {
  readonly heard: AuthEvent<'account_claimed'>[] = [];

  @OnAuthEvent('account_claimed')
  note(event: AuthEvent<'account_claimed'>): void {
    this.heard.push(event);
  }
}

/** The attacker's network. */
const ELSEWHERE = '203.0.113.66';
const MARK = '__Host-refresh_token-session';
const NEW_PASSWORD = 'the owner chose this one';
const PROFILE = { name: 'Mallory', phone: '+1 555 0666', avatar_url: 'https://evil.example/pixel.png' };

/** "Pre-hijacking": somebody makes an account with another's address beforehand, keeps every door to it open, and waits for the owner. */
describe('attack: an account made beforehand with the victim’s address', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      options: { trustedProxies: ['127.0.0.1'], passwordPolicy: { history: 3 } },
      providers: [Claims],
    });
  });
  afterAll(() => server.close());

  const lure = () => ({
    victim: `victim-${randomUUID()}@example.com`,
    attacker: `attacker-${randomUUID()}@evil.example`,
  });

  /** Everything that somebody who has the password, but not the mailbox, can lay in store. */
  async function prepare(victim: string, attacker: string) {
    const headers = { 'x-forwarded-for': ELSEWHERE };
    const { body } = await server.post(
      '/auth/signup',
      { email: victim, password: PASSWORD, ...PROFILE },
      { headers },
    );
    const bearer: string = body.tokens.access_token;
    await server.authfort.addRole(body.user.id, 'reader');
    const verification = await server.tokenFor(victim);
    const second = (await server.post('/auth/login', { email: victim, password: PASSWORD }, { headers })).body
      .tokens;
    await server.post('/auth/email-change', { email: attacker }, { bearer });
    const change = await server.tokenFor(attacker);
    // Another one waits in the outbox for a mail server that is down.
    const { send } = server.mail;
    server.mail.send = () => Promise.reject(new Error('down'));
    await server.post('/auth/email-change', { email: `late-${attacker}` }, { bearer });
    await server.mailTo(attacker);
    server.mail.send = send;
    const reset = await server.authfort.createPasswordResetToken(body.user.email);
    return { id: body.user.id as string, bearer, change, reset, verification, tokens: [body.tokens, second] };
  }

  async function expectNothing(victim: string, attacker: string, held: Awaited<ReturnType<typeof prepare>>) {
    for (const { access_token: bearer, refresh_token } of held.tokens) {
      expect((await server.request('/auth/me', { bearer })).status).toBe(401);
      expect((await server.introspect(bearer)).body).toEqual({ active: false });
      expect((await server.post('/auth/refresh', { refresh_token })).status).toBe(401);
    }
    expect((await server.post('/auth/login', { email: victim, password: PASSWORD })).body.error).toBe(
      'invalid_credentials',
    );
    expect((await server.post('/auth/email-change/confirm', { token: held.change })).status).toBe(400);
    const reset = { token: held.reset, new_password: 'the attacker’s next one' };
    expect((await server.post('/auth/reset-password', reset)).status).toBe(400);
    // The mail server is back: what was asked for before is not sent any more.
    server.clock.advance(10);
    expect(await server.mailTo(`late-${attacker}`)).toBe('');
    const user = await server.authfort.getUser(held.id);
    expect(user).toMatchObject({
      email: victim,
      emailVerified: true,
      name: null,
      phone: null,
      avatarUrl: null,
    });
    // What an administrator gave was given to the address.
    expect(user.roles).toEqual(['reader']);
    const [rows] = await server.dataSource.query<unknown[]>(
      `SELECT (SELECT count(*)::int FROM authfort_password_history WHERE user_id = $1) AS earlier,
         (SELECT count(*)::int FROM authfort_one_time_tokens WHERE user_id = $1) AS links`,
      [held.id],
    );
    expect(rows).toEqual({ earlier: 0, links: 0 });
    const claims = server.app.get(Claims).heard.filter(({ userId }) => userId === held.id);
    expect(claims).toEqual([expect.objectContaining({ name: 'account_claimed', email: victim })]);
    const { entries } = (
      await server.request(`/auth/admin/audit?user_id=${held.id}&action=account_claimed`, {
        bearer: await adminToken(),
      })
    ).body;
    expect(entries).toHaveLength(1);
  }

  async function adminToken(): Promise<string> {
    const admin = await server.signUp();
    await server.authfort.addRole(admin.id, 'admin');
    return (await server.post('/auth/login', { email: admin.email, password: PASSWORD })).body.tokens
      .access_token;
  }

  const ways: [string, (victim: string) => Promise<unknown>][] = [
    [
      'a magic link',
      async (email) => {
        await server.post('/auth/magic-link', { email });
        return server.post('/auth/magic-link/verify', { token: await server.tokenFor(email) });
      },
    ],
    [
      'an e-mail code',
      async (email) => {
        const code = await server.authfort.createEmailOtp(email);
        return server.post('/auth/otp/verify', { email, code });
      },
    ],
    [
      'a new password',
      async (email) => {
        await server.post('/auth/forgot-password', { email });
        const token = await server.tokenFor(email);
        await server.post('/auth/reset-password', { token, new_password: NEW_PASSWORD });
        return server.post('/auth/login', { email, password: NEW_PASSWORD });
      },
    ],
  ];
  it.each(ways)('leaves the attacker nothing once the owner has signed in by %s', async (_, signIn) => {
    const { victim, attacker } = lure();
    const held = await prepare(victim, attacker);
    expect(await signIn(victim)).toMatchObject({ status: 200, body: { user: { id: held.id } } });
    await expectNothing(victim, attacker, held);
  });

  it.each(ways)(
    'leaves nothing to the attacker whose address the victim has confirmed, by %s',
    async (_, signIn) => {
      const { victim, attacker } = lure();
      const held = await prepare(victim, attacker);
      // Out of curiosity, against what the mail says, without a session and from another network than the attacker's.
      expect((await server.post('/auth/verify-email', { token: held.verification })).status).toBe(200);
      expect(await signIn(victim)).toMatchObject({ status: 200 });
      await expectNothing(victim, attacker, held);
    },
  );

  it('leaves nothing to an attacker who set the victim’s address on their own account', async () => {
    const { victim, attacker } = lure();
    const { body } = await server.post(
      '/auth/signup',
      { email: attacker, password: PASSWORD, ...PROFILE },
      { headers: { 'x-forwarded-for': ELSEWHERE } },
    );
    const bearer: string = body.tokens.access_token;
    await server.post('/auth/verify-email', { token: await server.tokenFor(attacker) }, { bearer });
    await server.post('/auth/email-change', { email: victim }, { bearer });
    await server.post('/auth/email-change/confirm', { token: await server.tokenFor(victim) });
    const signedIn = await ways[0]![1](victim);
    expect(signedIn).toMatchObject({ status: 200, body: { user: { id: body.user.id, name: null } } });
    expect((await server.request('/auth/me', { bearer })).status).toBe(401);
    expect((await server.post('/auth/login', { email: victim, password: PASSWORD })).status).toBe(401);
  });

  // The holder of the account and the reader of the mail are one person: the next sign-in by mail changes nothing.
  const together: [string, (token: string, bearer: string) => Promise<Answer>][] = [
    [
      'with the access token of the account',
      (token, bearer) => server.post('/auth/verify-email', { token }, { bearer }),
    ],
    [
      'from the network of the sign-up',
      (token) => server.post('/auth/verify-email', { token }, { headers: { 'x-forwarded-for': ELSEWHERE } }),
    ],
  ];
  it.each(together)('takes nothing from the owner who confirms the address %s', async (_, confirm) => {
    const email = `owner-${randomUUID()}@example.com`;
    const { body } = await server.post(
      '/auth/signup',
      { email, password: PASSWORD, ...PROFILE },
      { headers: { 'x-forwarded-for': ELSEWHERE } },
    );
    const bearer: string = body.tokens.access_token;
    expect((await confirm(await server.tokenFor(email), bearer)).status).toBe(200);
    for (const [, signIn] of ways.slice(0, 2)) {
      expect(await signIn(email)).toMatchObject({ status: 200, body: { user: PROFILE } });
      expect((await server.request('/auth/me', { bearer })).status).toBe(200);
      expect((await server.post('/auth/login', { email, password: PASSWORD })).status).toBe(200);
    }
    await ways[2]![1](email);
    expect(await server.authfort.getUser(body.user.id)).toMatchObject({ name: PROFILE.name });
    expect(server.app.get(Claims).heard.filter(({ userId }) => userId === body.user.id)).toEqual([]);
  });

  it('does not take the session of another account for that of the holder', async () => {
    const { victim, attacker } = lure();
    const held = await prepare(victim, attacker);
    const stranger = await server.signUp();
    for (const bearer of [stranger.accessToken, 'nonsense'])
      await server.post('/auth/verify-email', { token: held.verification }, { bearer });
    await ways[0]![1](victim);
    await expectNothing(victim, attacker, held);
  });

  it('takes nothing from who was let in before the owner came, and acts after', async () => {
    const { victim, attacker } = lure();
    const held = await prepare(victim, attacker);
    // What the guard saw when it let the attacker's last requests in.
    const letIn = await server.authfort.getUser(held.id);
    await server.authfort.verifyMagicLink((await server.authfort.createMagicLinkToken(victim))!);
    await expect(server.app.get(ChangePasswordService).set(letIn, PASSWORD)).rejects.toMatchObject({
      code: 'password_already_set',
    });
    await server.app.get(EmailChangeService).request(letIn, `last-${attacker}`);
    expect(await server.mailTo(`last-${attacker}`)).toBe('');
    await expect(
      server.app.get(EmailChangeService).createToken(held.id, attacker, letIn),
    ).rejects.toMatchObject({ code: 'user_not_found' });
  });

  it('sets no password for a session that its owner ended while the password was hashed', async () => {
    const user = await server.signUp();
    await server.dataSource.query('UPDATE authfort_users SET password_hash = NULL WHERE id = $1', [user.id]);
    const letIn = { ...(await server.authfort.getUser(user.id)), sessionId: user.sessionId };
    await server.authfort.revokeSession(user.id, user.sessionId);
    const passwords = server.app.get(ChangePasswordService);
    await expect(passwords.set(letIn, PASSWORD)).rejects.toMatchObject({ code: 'password_already_set' });
    // Code that names no session vouches for it.
    await expect(passwords.set({ ...letIn, sessionId: null }, PASSWORD)).resolves.toBeUndefined();
  });

  it('does not turn a stolen access token into a password', async () => {
    const user = await server.signUp();
    await server.dataSource.query('UPDATE authfort_users SET password_hash = NULL WHERE id = $1', [user.id]);
    server.clock.advance(601);
    const set = await server.post(
      '/auth/set-password',
      { password: NEW_PASSWORD },
      { bearer: user.accessToken },
    );
    expect([set.status, set.body.error]).toEqual([401, 'insufficient_user_authentication']);
  });
});

/** A sibling host can set cookies for the parent domain, but no `__Host-` cookie. */
describe('attack: the session of a pre-registered account, planted in the browser that follows the link', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      options: { trustedProxies: ['127.0.0.1'], cookie: { domain: '.example.com' } },
    });
  });
  afterAll(() => server.close());

  const planted: [string, (cookies: Record<string, string>) => string][] = [
    ['access cookie', ({ access_token }) => `access_token=${access_token}`],
    ['refresh cookie', ({ refresh_token }) => `refresh_token=${refresh_token}`],
  ];

  async function confirmed(cookieOf: (cookies: Record<string, string>) => string, extra = '') {
    const email = `victim-${randomUUID()}@example.com`;
    const headers = { 'x-forwarded-for': ELSEWHERE };
    const { cookies } = await server.post('/auth/signup', { email, password: PASSWORD }, { headers });
    const cookie = cookieOf(cookies) + extra.replace('MARK', cookies[MARK]!);
    const token = await server.tokenFor(email);
    const browser = { 'sec-fetch-site': 'same-origin' };
    expect((await server.post('/auth/verify-email', { token }, { cookie, headers: browser })).status).toBe(
      200,
    );
    await server.authfort.verifyMagicLink((await server.authfort.createMagicLinkToken(email))!);
    return server.post('/auth/login', { email, password: PASSWORD });
  }

  it.each(planted)('does not make the attacker the owner by an %s', async (_, cookieOf) => {
    expect((await confirmed(cookieOf)).status).toBe(401);
    // Beside the session of the victim's other account, too.
    const other = await server.post('/auth/signup', {
      email: `${randomUUID()}@example.com`,
      password: PASSWORD,
    });
    expect((await confirmed(cookieOf, `; ${MARK}=${other.cookies[MARK]}`)).status).toBe(401);
  });

  it.each(planted)('knows the owner, whose browser has the mark beside the %s', async (_, cookieOf) => {
    expect((await confirmed(cookieOf, `; ${MARK}=MARK`)).status).toBe(200);
  });
});

describe('attack: a pre-registered account, where the proxy is missing in trustedProxies', () => {
  it('does not take the network of the proxy for that of the holder', async () => {
    const server = await startServer();
    const email = `victim-${randomUUID()}@example.com`;
    const from = (ip: string) => ({ headers: { 'x-forwarded-for': ip } });
    await server.post('/auth/signup', { email, password: PASSWORD }, from(ELSEWHERE));
    const token = await server.tokenFor(email);
    expect((await server.post('/auth/verify-email', { token }, from('198.51.100.4'))).status).toBe(200);
    await server.authfort.verifyMagicLink((await server.authfort.createMagicLinkToken(email))!);
    const login = await server.post('/auth/login', { email, password: PASSWORD }, from(ELSEWHERE));
    expect(login.status).toBe(401);
    await server.close();
  });
});
