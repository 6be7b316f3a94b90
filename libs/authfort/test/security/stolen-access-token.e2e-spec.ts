import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

/** RFC 9470: a token alone, without the password, does not take the account away from its owner once the sign-in is old. */
describe('attack: a stolen access token', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  const as = (bearer: string) => (method: string, path: string, json?: unknown) =>
    server.request(`/auth${path}`, { method, bearer, json });
  const answer = ({ status, body }: Answer) => [status, body?.error];
  const STEP_UP = [401, 'insufficient_user_authentication'];

  async function stale(): Promise<{ user: SignedUp; call: ReturnType<typeof as> }> {
    const user = await server.signUp();
    server.clock.advance(601);
    return { user, call: as(user.accessToken) };
  }

  it('changes neither password nor address and deletes nothing, once the sign-in is older than ten minutes', async () => {
    const { user, call } = await stale();
    expect(answer(await call('POST', '/email-change', { email: 'thief@example.com' }))).toEqual(STEP_UP);
    expect(answer(await call('POST', '/set-password', { password: `${PASSWORD} 2` }))).toEqual(STEP_UP);
    expect(answer(await call('DELETE', '/me', {}))).toEqual(STEP_UP);
    const guess = { old_password: 'a wrong password', new_password: `${PASSWORD} 2` };
    expect(answer(await call('POST', '/change-password', guess))).toEqual([400, 'invalid_password']);
    expect((await server.post('/auth/login', { email: user.email, password: PASSWORD })).status).toBe(200);
  });

  it('does everything else that the account can do: reads, exports, renames, ends sessions', async () => {
    const { user, call } = await stale();
    const other = await server.post('/auth/login', { email: user.email, password: PASSWORD });
    for (const path of ['/me', '/me/export', '/sessions']) expect((await call('GET', path)).status).toBe(200);
    expect((await call('PATCH', '/me', { name: 'Eve' })).status).toBe(200);
    expect((await call('DELETE', `/sessions/${other.body.user.session_id}`)).status).toBe(204);
    expect((await server.request('/auth/me', { bearer: other.body.tokens.access_token })).status).toBe(401);
  });

  it('needs no password within ten minutes of the sign-in, but for another password', async () => {
    const user = await server.signUp();
    const call = as(user.accessToken);
    const change = { new_password: `${PASSWORD} 2` };
    expect((await call('POST', '/change-password', change)).status).toBe(422);
    expect(answer(await call('POST', '/set-password', { password: `${PASSWORD} 2` }))).toEqual([
      400,
      'password_already_set',
    ]);
    expect((await call('POST', '/email-change', { email: `x-${user.email}` })).status).toBe(200);
    expect((await call('DELETE', '/me', {})).status).toBe(204);
  });

  it('is not needed by the reader of the mailbox: a sign-in by a link is fresh', async () => {
    const { email } = await server.signUp();
    server.clock.advance(601);
    const token = await server.authfort.createMagicLinkToken(email);
    const { body } = await server.post('/auth/magic-link/verify', { token });
    const call = as(body.tokens.access_token);
    expect((await call('POST', '/email-change', { email: `x-${email}` })).status).toBe(200);
    expect((await call('DELETE', '/me', {})).status).toBe(204);
  });

  it('gives no new access token, and ends 900 s after it was issued', async () => {
    const { accessToken } = await server.signUp();
    expect((await server.post('/auth/refresh', { refresh_token: accessToken })).status).toBe(401);
    server.clock.advance(899);
    expect((await server.request('/auth/me', { bearer: accessToken })).status).toBe(200);
    server.clock.advance(7);
    expect((await server.request('/auth/me', { bearer: accessToken })).status).toBe(401);
  });
});
