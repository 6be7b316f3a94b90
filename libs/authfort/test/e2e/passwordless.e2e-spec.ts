import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { claimsOf, PASSWORD, startServer, type TestServer } from '../harness.js';

let server: TestServer;
let open: TestServer;

beforeAll(async () => {
  server = await startServer();
  open = await startServer({ options: { allowPasswordlessSignup: true, cookie: {} } });
});
afterAll(async () => {
  await server.close();
  await open.close();
});

const codeIn = (mail: string) => /\b\d{6}\b/.exec(mail)?.[0] ?? '';

async function verified(on: TestServer) {
  const user = await on.signUp();
  const token = await on.tokenFor(user.email);
  expect((await on.post('/auth/verify-email', { token })).status).toBe(200);
  return user;
}

describe('an address', () => {
  it('is confirmed by the link that sign-up mails, once', async () => {
    const user = await server.signUp();
    const mail = await server.mailTo(user.email);
    expect(mail).toContain('https://app.example.com/verify-email?token=');
    const token = await server.tokenFor(user.email);
    const verify = () => server.post('/auth/verify-email', { token });
    expect((await verify()).status).toBe(200);
    const me = await server.request('/auth/me', { bearer: user.accessToken });
    expect(me.body.email_verified).toBe(true);
    expect((await verify()).body.error).toBe('invalid_verification_token');
  });

  it('is mailed to again on request', async () => {
    const user = await server.signUp();
    const first = await server.tokenFor(user.email);
    await server.post('/auth/verify-email/request', undefined, { bearer: user.accessToken });
    const second = await server.tokenFor(user.email);
    expect(second).not.toBe(first);
    expect((await server.post('/auth/verify-email', { token: second })).status).toBe(200);
  });
});

describe('a magic link', () => {
  it('signs in once', async () => {
    const user = await verified(server);
    await server.post('/auth/magic-link', { email: user.email.toUpperCase() });
    const token = await server.tokenFor(user.email);
    const signedIn = await server.post('/auth/magic-link/verify', { token });
    expect(signedIn.status).toBe(200);
    expect(signedIn.body.user.id).toBe(user.id);
    expect(claimsOf(signedIn.body.tokens.access_token).amr).toEqual(['email']);
    const again = await server.post('/auth/magic-link/verify', { token });
    expect([again.status, again.body.error]).toEqual([400, 'invalid_magic_link']);
    expect((await server.post('/auth/login', { email: user.email, password: PASSWORD })).status).toBe(200);
  });

  it('ends after a quarter of an hour', async () => {
    const user = await verified(server);
    const token = await server.authfort.createMagicLinkToken(user.email);
    server.clock.advance(901);
    await expect(server.authfort.verifyMagicLink(token!)).rejects.toMatchObject({
      code: 'invalid_magic_link',
    });
  });

  it('makes an account only where that is allowed', async () => {
    await server.post('/auth/magic-link', { email: 'nobody@example.com' });
    expect(await server.mailTo('nobody@example.com')).toBe('');
    await open.post('/auth/magic-link', { email: 'new@example.com' });
    const token = await open.tokenFor('new@example.com');
    const signedIn = await open.post('/auth/magic-link/verify', { token });
    expect(signedIn.body.user).toMatchObject({ email: 'new@example.com', email_verified: true });
    expect(signedIn.cookies).toHaveProperty('refresh_token');
  });
});

describe('an e-mail code', () => {
  it('signs in once, with spaces too', async () => {
    const user = await verified(server);
    await server.post('/auth/otp', { email: user.email });
    const code = codeIn(await server.mailTo(user.email));
    const verify = (typed: string) => server.post('/auth/otp/verify', { email: user.email, code: typed });
    const signedIn = await verify(`${code.slice(0, 3)} ${code.slice(3)}`);
    expect([signedIn.status, signedIn.body.user?.id]).toEqual([200, user.id]);
    expect((await verify(code)).body.error).toBe('invalid_otp');
    // Full-width, Arabic-Indic, Devanagari and mathematical digits.
    for (const zero of [0xff10, 0x0660, 0x0966, 0x1d7ce]) {
      const next = (await server.authfort.createEmailOtp(user.email))!;
      const typed = next.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
      expect((await verify(typed)).status).toBe(200);
    }
  });

  it('is replaced by a new one, and ends', async () => {
    const user = await verified(server);
    const first = await server.authfort.createEmailOtp(user.email);
    const second = await server.authfort.createEmailOtp(user.email);
    if (first !== second)
      await expect(server.authfort.verifyEmailOtp(user.email, first!)).rejects.toMatchObject({
        code: 'invalid_otp',
      });
    server.clock.advance(601);
    await expect(server.authfort.verifyEmailOtp(user.email, second!)).rejects.toMatchObject({
      code: 'invalid_otp',
    });
  });

  it('is worthless once the password is another', async () => {
    const user = await verified(server);
    const code = await server.authfort.createEmailOtp(user.email);
    await server.authfort.changePassword(user.id, PASSWORD, `${PASSWORD} 2`);
    await expect(server.authfort.verifyEmailOtp(user.email, code!)).rejects.toMatchObject({
      code: 'invalid_otp',
    });
  });

  it('makes an account where that is allowed', async () => {
    await open.post('/auth/otp', { email: 'code@example.com' });
    const code = codeIn(await open.mailTo('code@example.com'));
    const signedIn = await open.post('/auth/otp/verify', { email: 'code@example.com', code });
    expect(signedIn.body.user).toMatchObject({ email: 'code@example.com', email_verified: true });
  });
});

describe('mails', () => {
  it('are in the language of the reader', async () => {
    const user = await verified(server);
    await server.post(
      '/auth/otp',
      { email: user.email },
      { headers: { 'accept-language': 'de-CH,de;q=0.9,en;q=0.5' } },
    );
    expect(await server.mailTo(user.email)).toContain('Ihr Code zur Anmeldung bei Shop');
  });
});
