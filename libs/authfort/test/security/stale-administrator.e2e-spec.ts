import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listRoutes } from 'authfort-service';
import { forge } from '../forge.js';
import { adapters, type Answer, PASSWORD, startServer, type TestServer } from '../harness.js';

const READS = ['GET', 'HEAD', 'OPTIONS'];
const CHALLENGE =
  /^Bearer .*error="insufficient_user_authentication", error_description="[^"]*sign in again[^"]*", max_age="600", acr_values="urn:authfort:acr:1fa"$/i;

function expectStepUp({ status, body, headers }: Answer): void {
  expect(body).toEqual({
    statusCode: 401,
    error: 'insufficient_user_authentication',
    message: expect.stringMatching(/sign in again/i),
    details: { max_age: 600, acr_values: 'urn:authfort:acr:1fa' },
  });
  expect(status).toBe(401);
  expect(headers.get('www-authenticate')).toMatch(CHALLENGE);
  expect(headers.get('cache-control')).toBe('no-store');
}

describe.each(adapters)("an administrator's token whose sign-in is old (%s)", (adapter) => {
  let server: TestServer;
  let administrator: { id: string; email: string; refreshToken: string };

  beforeAll(async () => {
    server = await startServer({ adapter });
    administrator = await server.signUp(`root-${randomUUID()}@example.com`);
    await server.authfort.addRole(administrator.id, 'admin');
    await signIn();
  });
  afterAll(() => server.close());

  async function signIn(): Promise<string> {
    const { body } = await server.post('/auth/login', { email: administrator.email, password: PASSWORD });
    administrator.refreshToken = body.tokens.refresh_token;
    return body.tokens.access_token as string;
  }

  /** A new access token of the same sign-in. */
  async function refreshed(): Promise<string> {
    const { body } = await server.post('/auth/refresh', { refresh_token: administrator.refreshToken });
    administrator.refreshToken = body.tokens.refresh_token;
    return body.tokens.access_token as string;
  }

  const patch = (bearer: string, id: string, json: unknown) =>
    server.request(`/auth/admin/users/${id}`, { method: 'PATCH', bearer, json });

  it('changes nothing at any route that writes, and reads on', async () => {
    await signIn();
    server.clock.advance(3 * 3600);
    const stale = await refreshed();
    const ordinary = await server.signUp();
    const victim = await server.signUp();
    const routes = listRoutes(server.app).filter(({ path }) => path.startsWith('/auth/admin'));
    const writes = routes.filter(({ method }) => !READS.includes(method));
    expect(writes.length).toBeGreaterThanOrEqual(12);
    for (const { method, path } of writes) {
      const url = path.replace(':id', victim.id).replace(/:\w+/g, 'editor');
      const send = (bearer?: string) => server.request(url, { method, bearer, json: {} });
      expectStepUp(await send(stale));
      // The role comes first: a user learns nothing about what an administrator needs.
      expect((await send(ordinary.accessToken)).body.error).toBe('insufficient_role');
      expect((await send()).body.error).toBe('token_missing');
    }
    for (const { path } of routes.filter(({ method }) => method === 'GET')) {
      const url = path.replace(':id', victim.id).replace(/:\w+/g, 'editor');
      expect([200, 404]).toContain((await server.request(url, { bearer: stale })).status);
    }
    expect((await server.request('/auth/me', { bearer: victim.accessToken })).status).toBe(200);
  });

  it('reads addresses, sessions and the audit log, and still uses the own account as any user does', async () => {
    await signIn();
    const victim = await server.signUp();
    server.clock.advance(3 * 3600);
    const bearer = await refreshed();
    const read = async (path: string) => (await server.request(`/auth/admin/${path}`, { bearer })).text;
    expect(await read(`users/${victim.id}`)).toContain(victim.email);
    expect(await read(`users/${victim.id}/sessions`)).toContain('127.0.0.1');
    expect(await read(`audit?user_id=${victim.id}`)).toContain('127.0.0.1');
    expect(
      (await server.request('/auth/me', { method: 'PATCH', bearer, json: { name: 'Eve' } })).status,
    ).toBe(200);
    const other = await server.post('/auth/login', { email: administrator.email, password: PASSWORD });
    const path = `/auth/sessions/${other.body.user.session_id}`;
    expect((await server.request(path, { method: 'DELETE', bearer })).status).toBe(204);
  });

  it('does not take the account over by a change of its address', async () => {
    await signIn();
    server.clock.advance(3 * 3600);
    expectStepUp(await patch(await refreshed(), administrator.id, { email: 'thief@example.com' }));
    expect((await server.authfort.getUser(administrator.id)).email).toBe(administrator.email);
  });

  it('is good for ten minutes, refreshed or not, and no longer', async () => {
    const bearer = await signIn();
    const { id } = await server.signUp();
    server.clock.advance(600);
    expect((await patch(bearer, id, { name: 'Ada' })).status).toBe(200);
    expect((await patch(await refreshed(), id, { name: 'Ada L.' })).status).toBe(200);
    server.clock.advance(1);
    expectStepUp(await patch(bearer, id, { name: 'Eve' }));
    expectStepUp(await patch(await refreshed(), id, { name: 'Eve' }));
    expect((await server.authfort.getUser(id)).name).toBe('Ada L.');
    expect((await patch(await signIn(), id, { name: 'Ada' })).status).toBe(200);
  });

  it.each([undefined, null, '0', 'now', 1e20])(
    'does not count as fresh with an auth_time of %p',
    async (value) => {
      const token = await signIn();
      const claims = { auth_time: value };
      expectStepUp(await patch(forge(server, token, { claims }), administrator.id, { name: 'Eve' }));
    },
  );

  it('does not count as fresh before its sign-in, except for clock skew', async () => {
    const token = await signIn();
    const now = server.clock.now().getTime() / 1000;
    const signedIn = (at: number) => forge(server, token, { claims: { auth_time: at } });
    expectStepUp(await patch(signedIn(now + 6), administrator.id, { name: 'Eve' }));
    expect((await patch(signedIn(now + 4), administrator.id, { name: 'Ada' })).status).toBe(200);
  });

  it("is refused in the same way at a user's own routes that need a fresh sign-in", async () => {
    const user = await server.signUp();
    server.clock.advance(601);
    const own = (method: string, path: string, json: unknown) =>
      server.request(`/auth${path}`, { method, bearer: user.accessToken, json });
    expectStepUp(await own('POST', '/email-change', { email: 'thief@example.com' }));
    expectStepUp(await own('POST', '/set-password', { password: 'another good password' }));
    expectStepUp(await own('DELETE', '/me', {}));
  });
});
