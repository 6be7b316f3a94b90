import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EmailChangeService } from '../../src/email-change/email-change.service.js';
import { ChangePasswordService } from '../../src/password/change-password.service.js';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

const NEW_PASSWORD = 'the owner chose this one';
const PROFILE = { name: 'Mallory', phone: '+1 555 0666', avatar_url: 'https://evil.example/pixel.png' };

/** "Pre-hijacking": somebody makes an account with another's address beforehand, keeps every door to it open, and waits for the owner. */
describe('attack: an account made beforehand with the victim’s address', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  const lure = () => ({
    victim: `victim-${randomUUID()}@example.com`,
    attacker: `attacker-${randomUUID()}@evil.example`,
  });

  /** Everything that somebody who has the password, but not the mailbox, can lay in store. */
  async function prepare(victim: string, attacker: string) {
    const { body } = await server.post('/auth/signup', { email: victim, password: PASSWORD, ...PROFILE });
    const bearer: string = body.tokens.access_token;
    const second = (await server.post('/auth/login', { email: victim, password: PASSWORD })).body.tokens;
    await server.post('/auth/email-change', { email: attacker }, { bearer });
    const change = await server.tokenFor(attacker);
    // Another one waits in the outbox for a mail server that is down.
    const { send } = server.mail;
    server.mail.send = () => Promise.reject(new Error('down'));
    await server.post('/auth/email-change', { email: `late-${attacker}` }, { bearer });
    await server.mailTo(attacker);
    server.mail.send = send;
    const reset = await server.authfort.createPasswordResetToken(body.user.email);
    return { id: body.user.id as string, bearer, change, reset, tokens: [body.tokens, second] };
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
    expect(user).toMatchObject({ email: victim, emailVerified: true, phone: null, avatarUrl: null });
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
