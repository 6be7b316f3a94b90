import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

const NEXT = 'another horse, another battery';
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ options: { passwordPolicy: { history: 3 } } });
});
afterAll(() => server.close());

async function expectEnded({ accessToken, refreshToken }: SignedUp): Promise<void> {
  expect((await server.request('/auth/me', { bearer: accessToken })).status).toBe(401);
  expect((await server.introspect(accessToken)).body).toEqual({ active: false });
  expect((await server.post('/auth/refresh', { refresh_token: refreshToken })).status).toBe(401);
}

const login = (email: string, password: string) => server.post('/auth/login', { email, password });

describe('a forgotten password', () => {
  it('is replaced through a link, which ends every session and works once', async () => {
    const user = await server.signUp();
    const asked = await server.post('/auth/forgot-password', { email: user.email });
    expect([asked.status, asked.body]).toEqual([200, { message: expect.any(String) }]);
    const token = await server.tokenFor(user.email);
    const reset = await server.post('/auth/reset-password', { token, new_password: NEXT });
    expect(reset.status).toBe(200);
    await expectEnded(user);
    expect((await login(user.email, PASSWORD)).body.error).toBe('invalid_credentials');
    expect((await login(user.email, NEXT)).body.user.email_verified).toBe(true);
    const again = await server.post('/auth/reset-password', { token, new_password: `${NEXT}!` });
    expect([again.status, again.body.error]).toEqual([400, 'invalid_reset_token']);
    expect(await server.mailTo(user.email)).toContain('was changed');
  });

  it('has a link that ends', async () => {
    const user = await server.signUp();
    await server.post('/auth/forgot-password', { email: user.email });
    const token = await server.tokenFor(user.email);
    server.clock.advance(3601);
    const late = await server.post('/auth/reset-password', { token, new_password: NEXT });
    expect(late.body.error).toBe('invalid_reset_token');
  });

  it('has links that are not replaced by newer ones, and all end with the first that is used', async () => {
    const user = await server.signUp();
    const first = (await server.authfort.createPasswordResetToken(user.email))!;
    const second = (await server.authfort.createPasswordResetToken(user.email))!;
    await server.authfort.resetPassword(first, NEXT);
    await expect(server.authfort.resetPassword(second, PASSWORD)).rejects.toMatchObject({
      code: 'invalid_reset_token',
    });
  });

  it('is refused for the same reasons as any new password, and the link stays good', async () => {
    const user = await server.signUp();
    await server.post('/auth/forgot-password', { email: user.email });
    const token = await server.tokenFor(user.email);
    const reset = (new_password: string) => server.post('/auth/reset-password', { token, new_password });
    expect((await reset('short')).body.error).toBe('password_too_short');
    expect((await reset('x'.repeat(1025))).body.error).toBe('password_too_long');
    expect((await reset(PASSWORD)).body.error).toBe('password_unchanged');
    expect((await reset(NEXT)).status).toBe(200);
  });
});

describe('a password that is changed', () => {
  it('keeps the session that asks, ends the others, and makes all access tokens worthless', async () => {
    const user = await server.signUp();
    const other = (await login(user.email, PASSWORD)).body;
    const changed = await server.post(
      '/auth/change-password',
      { old_password: PASSWORD, new_password: NEXT },
      { bearer: user.accessToken },
    );
    expect(changed.status).toBe(200);
    expect((await server.request('/auth/me', { bearer: user.accessToken })).status).toBe(401);
    const refreshed = await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    expect(refreshed.status).toBe(200);
    expect((await server.request('/auth/me', { bearer: refreshed.body.tokens.access_token })).status).toBe(
      200,
    );
    await expectEnded({
      ...user,
      accessToken: other.tokens.access_token,
      refreshToken: other.tokens.refresh_token,
    });
  });

  it('ends all sessions when asked to', async () => {
    const user = await server.signUp();
    const changed = await server.post(
      '/auth/change-password',
      { old_password: PASSWORD, new_password: NEXT, sessions: 'all' },
      { bearer: user.accessToken },
    );
    expect(changed.status).toBe(200);
    await expectEnded(user);
  });

  it('needs the old one', async () => {
    const user = await server.signUp();
    const change = (old_password: string, new_password: string) =>
      server.post('/auth/change-password', { old_password, new_password }, { bearer: user.accessToken });
    expect((await change('wrong', NEXT)).body.error).toBe('invalid_password');
    expect((await change(PASSWORD, PASSWORD)).body.error).toBe('password_unchanged');
    expect((await login(user.email, PASSWORD)).status).toBe(200);
  });

  it('may not be one of the last three', async () => {
    const user = await server.signUp();
    const [a, b, c] = [PASSWORD, `${NEXT} b`, `${NEXT} c`] as const;
    const change = (from: string, to: string) => {
      server.clock.advance(1);
      return server.authfort.changePassword(user.id, from, to).then(
        () => 'changed',
        ({ code }: { code: string }) => code,
      );
    };
    expect(await change(a, b)).toBe('changed');
    expect(await change(b, c)).toBe('changed');
    expect(await change(c, a)).toBe('password_reused');
    expect(await change(c, b)).toBe('password_reused');
    expect(await change(c, `${NEXT} d`)).toBe('changed');
    expect(await change(`${NEXT} d`, a)).toBe('changed');
  });
});

describe('a first password', () => {
  it('is set once, by who is signed in', async () => {
    const user = await server.signUp();
    const set = () => server.post('/auth/set-password', { password: NEXT }, { bearer: user.accessToken });
    expect((await set()).body.error).toBe('password_already_set');
    await server.dataSource.query('UPDATE authfort_users SET password_hash = NULL WHERE id = $1', [user.id]);
    expect((await set()).status).toBe(200);
    expect((await set()).body.error).toBe('password_already_set');
    expect((await login(user.email, NEXT)).status).toBe(200);
  });
});
