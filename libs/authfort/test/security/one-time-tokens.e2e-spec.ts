import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { OnAuthEvent } from 'authfort';
import { PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

const heard: unknown[] = [];

class Listener {
  @OnAuthEvent('password_reset_requested')
  @OnAuthEvent('magic_link_requested')
  @OnAuthEvent('email_otp_requested')
  @OnAuthEvent('email_verification_requested')
  @OnAuthEvent('email_change_requested')
  hear(event: unknown): void {
    heard.push(event);
  }
}

const ROUTES = {
  password_reset: '/auth/reset-password',
  email_verification: '/auth/verify-email',
  magic_link: '/auth/magic-link/verify',
  email_change: '/auth/email-change/confirm',
} as const;
type Purpose = keyof typeof ROUTES;
const PURPOSES = Object.keys(ROUTES) as Purpose[];

/** ASVS 9.2.2, 6.6: a token does one thing, for one account, for a while. */
describe('attack: tokens of mailed links where they do not belong', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ providers: [Listener], options: { cookie: {} } });
  });
  afterAll(() => server.close());

  async function mailed(purpose: Purpose, user: SignedUp): Promise<string> {
    if (purpose === 'password_reset') return (await server.authfort.createPasswordResetToken(user.email))!;
    if (purpose === 'email_verification') return server.authfort.createEmailVerificationToken(user.id);
    if (purpose === 'magic_link') return (await server.authfort.createMagicLinkToken(user.email))!;
    const email = `next-${user.email}`;
    await server.post('/auth/email-change', { email, password: PASSWORD }, { bearer: user.accessToken });
    return server.tokenFor(email);
  }
  const redeem = (purpose: Purpose, token: string) =>
    server.post(ROUTES[purpose], { token, new_password: 'a new horse, a new battery' });

  it.each(PURPOSES)('%s: refused at every other route, and good at its own afterwards', async (purpose) => {
    const user = await server.signUp();
    const token = await mailed(purpose, user);
    for (const other of PURPOSES.filter((name) => name !== purpose))
      expect((await redeem(other, token)).status).toBe(400);
    const answers = [
      await server.request('/auth/me', { bearer: token }),
      await server.request('/auth/me', { cookie: `access_token=${token}` }),
      await server.post('/auth/refresh', { refresh_token: token }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect((await server.introspect(token)).body).toEqual({ active: false });
    expect((await server.post('/auth/otp/verify', { email: user.email, code: token })).body.error).toBe(
      'invalid_otp',
    );
    expect((await redeem(purpose, token)).status).toBe(200);
  });

  it.each(PURPOSES)('%s: nothing else is taken in its place', async (purpose) => {
    const user = await server.signUp();
    const token = await mailed(purpose, user);
    const others = [
      user.accessToken,
      user.refreshToken,
      '',
      ` ${token}`,
      `${token}=`,
      token.slice(1),
      token.toUpperCase(),
    ];
    for (const other of others) expect((await redeem(purpose, other)).status).toBe(400);
    expect((await redeem(purpose, token)).status).toBe(200);
  });

  it.each(PURPOSES)('%s: ends by itself', async (purpose) => {
    const user = await server.signUp();
    const token = await mailed(purpose, user);
    server.clock.advance(86_401);
    expect((await redeem(purpose, token)).status).toBe(400);
  });

  it.each(PURPOSES)('%s: ends with a ban, and does not come back with the unban', async (purpose) => {
    const user = await server.signUp();
    const token = await mailed(purpose, user);
    await server.authfort.banUser(user.id);
    expect((await redeem(purpose, token)).status).toBe(400);
    await server.authfort.unbanUser(user.id);
    expect((await redeem(purpose, token)).status).toBe(400);
  });

  it.each(PURPOSES)('%s: ends with the account, also for who takes its address next', async (purpose) => {
    for (const hard of [false, true]) {
      const user = await server.signUp();
      const token = await mailed(purpose, user);
      await server.authfort.deleteUser(user.id, { hard });
      expect((await redeem(purpose, token)).status).toBe(400);
      const next = await server.signUp(user.email);
      expect((await redeem(purpose, token)).status).toBe(400);
      expect((await server.request('/auth/me', { bearer: next.accessToken })).body.email_verified).toBe(
        false,
      );
    }
  });

  it('are in the mail, and in no table, event or log, also when the mail server is down and says what it was sent', async () => {
    const said: string[] = [];
    const spies = (['stdout', 'stderr'] as const).map((name) =>
      jest.spyOn(process[name], 'write').mockImplementation((chunk) => (said.push(String(chunk)), true)),
    );
    const user = await server.signUp();
    const { send } = server.mail;
    const secrets: string[] = [];
    server.mail.send = ({ text }) => {
      secrets.push(...(text.match(/(?<=token=)[\w-]+|\b\d{6}\b/g) ?? []));
      return Promise.reject(new Error(`could not send: ${text}`));
    };
    try {
      for (const path of ['/auth/forgot-password', '/auth/magic-link', '/auth/otp'])
        await server.post(path, { email: user.email });
      await server.post('/auth/verify-email/request', undefined, { bearer: user.accessToken });
      await server.post('/auth/email-change', { email: `n-${user.email}` }, { bearer: user.accessToken });
      await server.mailTo(user.email);
    } finally {
      server.mail.send = send;
      for (const spy of spies) spy.mockRestore();
    }
    expect(secrets.length).toBeGreaterThanOrEqual(5);
    const tables = ['outbox', 'audit_log', 'one_time_tokens', 'email_otps'];
    const dumps = await Promise.all(
      tables.map(async (table) =>
        JSON.stringify(await server.dataSource.query(`SELECT * FROM authfort_${table}`)),
      ),
    );
    const everything = [...said, ...dumps, JSON.stringify(heard)].join('\n');
    expect(dumps[0]).toContain('could not send');
    for (const secret of secrets)
      expect(everything.match(new RegExp(`(?<![\\w-])${secret}(?![\\w-])`))).toBeNull();
  });
});
