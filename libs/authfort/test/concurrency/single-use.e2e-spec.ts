import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, startServer, type Answer, type TestServer } from '../harness.js';

const RACERS = 20;

/** ASVS 6.6.3: a code or link is taken by one, however many come at the same moment. */
describe('race: everything that works once, twenty times at once', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ options: { allowPasswordlessSignup: true } });
  });
  afterAll(() => server.close());

  /** Posts the same twenty times. @returns the answers of the winners */
  async function race(path: string, json: unknown, lost: string, bearer?: string): Promise<Answer[]> {
    const answers = await Promise.all(
      Array.from({ length: RACERS }, () => server.post(path, json, { bearer })),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(answers.filter(({ body }) => body.error === lost)).toHaveLength(RACERS - 1);
    expect(won).toHaveLength(1);
    return won;
  }
  const count = async (sql: string, value: string): Promise<number> =>
    (await server.dataSource.query(`SELECT count(*)::int AS n FROM ${sql}`, [value]))[0].n;
  const sessionsOf = (id: string) => count('authfort_sessions WHERE user_id = $1', id);
  const events = (id: string, action: string) =>
    count(`authfort_audit_log WHERE user_id = $1 AND action = '${action}'`, id);

  it('a link to reset a password', async () => {
    const user = await server.signUp();
    const token = await server.authfort.createPasswordResetToken(user.email);
    await race(
      '/auth/reset-password',
      { token, new_password: 'a new horse, a new battery' },
      'invalid_reset_token',
    );
    expect(await events(user.id, 'password_reset')).toBe(1);
  });
  it('a link to confirm an address', async () => {
    const user = await server.signUp();
    const token = await server.authfort.createEmailVerificationToken(user.id);
    await race('/auth/verify-email', { token }, 'invalid_verification_token');
    expect(await events(user.id, 'email_verified')).toBe(1);
  });
  it('a link to change an address', async () => {
    const user = await server.signUp();
    const email = `next-${user.email}`;
    await server.post('/auth/email-change', { email }, { bearer: user.accessToken });
    await race(
      '/auth/email-change/confirm',
      { token: await server.tokenFor(email) },
      'invalid_verification_token',
    );
    expect(await events(user.id, 'email_changed')).toBe(1);
  });
  it('a magic link', async () => {
    const user = await server.signUp();
    await server.authfort.verifyEmail(await server.authfort.createEmailVerificationToken(user.id));
    const token = await server.authfort.createMagicLinkToken(user.email);
    await race('/auth/magic-link/verify', { token }, 'invalid_magic_link');
    expect(await sessionsOf(user.id)).toBe(2);
  });
  it('a magic link that makes an account', async () => {
    const token = await server.authfort.createMagicLinkToken('new-by-link@example.com');
    const [won] = await race('/auth/magic-link/verify', { token }, 'invalid_magic_link');
    expect(await count('authfort_users WHERE email = $1', 'new-by-link@example.com')).toBe(1);
    expect(await sessionsOf(won!.body.user.id)).toBe(1);
  });
  it('the right e-mail code', async () => {
    const user = await server.signUp();
    const code = await server.authfort.createEmailOtp(user.email);
    await race('/auth/otp/verify', { email: user.email, code }, 'invalid_otp');
    // The account was unconfirmed: the session of the sign-up ended with it.
    expect((await server.authfort.getSessions(user.id)).length).toBe(1);
  });
  it('an e-mail code that makes an account', async () => {
    const email = 'new-by-code@example.com';
    const code = await server.authfort.createEmailOtp(email);
    const [won] = await race('/auth/otp/verify', { email, code }, 'invalid_otp');
    expect(await sessionsOf(won!.body.user.id)).toBe(1);
  });
  it('a first password', async () => {
    const user = await server.signUp();
    await server.dataSource.query('UPDATE authfort_users SET password_hash = NULL WHERE id = $1', [user.id]);
    await race('/auth/set-password', { password: PASSWORD }, 'password_already_set', user.accessToken);
    expect(await events(user.id, 'password_set')).toBe(1);
  });
  it('twenty wrong codes: five are judged, and the right one comes too late', async () => {
    const user = await server.signUp();
    const code = await server.authfort.createEmailOtp(user.email);
    const wrong = code === '000000' ? '111111' : '000000';
    await Promise.all(
      Array.from({ length: RACERS }, () =>
        server.post('/auth/otp/verify', { email: user.email, code: wrong }),
      ),
    );
    const [row] = await server.dataSource.query(
      'SELECT attempts, failures FROM authfort_email_otps ORDER BY failures DESC LIMIT 1',
    );
    expect(row).toEqual({ attempts: 5, failures: 5 });
    expect((await server.post('/auth/otp/verify', { email: user.email, code })).body.error).toBe(
      'invalid_otp',
    );
  });
});
