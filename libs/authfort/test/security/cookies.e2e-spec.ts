import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adapters, PASSWORD, startServer, type TestServer } from '../harness.js';

/** ASVS 3.3, RFC 6265bis: the access cookie may reach sibling services, the refresh cookie never leaves the auth server. */
describe.each(adapters)('attack: stealing and planting cookies, on %s', (adapter) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ adapter, options: { cookie: { domain: '.example.com' } } });
  });
  afterAll(() => server.close());

  async function signUpWithCookies() {
    const email = `c${Math.random()}@example.com`;
    const answer = await server.post('/auth/signup', { email, password: PASSWORD });
    return { email, answer, ...(answer.cookies as { access_token: string; refresh_token: string }) };
  }

  it('sets both cookies as the contract says', async () => {
    const { answer } = await signUpWithCookies();
    const [access, refresh] = answer.setCookies as [string, string];
    expect(access.split('; ').slice(1).sort()).toEqual(
      ['Domain=.example.com', 'HttpOnly', 'Max-Age=900', 'Path=/', 'SameSite=Lax', 'Secure'].sort(),
    );
    expect(refresh.split('; ').slice(1).sort()).toEqual(
      ['HttpOnly', 'Max-Age=2592000', 'Path=/auth', 'SameSite=Lax', 'Secure'].sort(),
    );
    expect(answer.cookies).toEqual({
      access_token: answer.body.tokens.access_token,
      refresh_token: answer.body.tokens.refresh_token,
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
  it('signs in, refreshes and signs out by cookie, and takes the cookies back where it set them', async () => {
    const first = await signUpWithCookies();
    const cookie = `access_token=${first.access_token}; refresh_token=${first.refresh_token}`;
    expect((await server.request('/auth/me', { cookie })).status).toBe(200);
    const refreshed = await server.post('/auth/refresh', undefined, { cookie });
    expect(refreshed.status).toBe(200);
    const logout = await server.post('/auth/logout', undefined, {
      cookie: `refresh_token=${refreshed.cookies.refresh_token}`,
    });
    expect(logout.status).toBe(204);
    const [access, refresh] = logout.setCookies as [string, string];
    expect(access).toMatch(/^access_token=; .*Max-Age=0.*Domain=\.example\.com.*Path=\//);
    expect(refresh).toMatch(/^refresh_token=; .*Max-Age=0.*Path=\/auth/);
    expect(refresh).not.toMatch(/Domain/);
    expect(
      (await server.request('/auth/me', { cookie: `access_token=${refreshed.cookies.access_token}` })).status,
    ).toBe(401);
  });
  it('lets a bearer header win over a cookie', async () => {
    const [mine, other] = [await signUpWithCookies(), await signUpWithCookies()];
    const me = await server.request('/auth/me', {
      cookie: `access_token=${mine.access_token}`,
      bearer: other.access_token,
    });
    expect(me.body.email).toBe(other.email);
    const bad = await server.request('/auth/me', {
      cookie: `access_token=${mine.access_token}`,
      bearer: 'nonsense',
    });
    expect(bad.status).toBe(401);
  });
  it('never adopts a cookie that was planted before the sign-in', async () => {
    const attacker = await signUpWithCookies();
    const victim = await signUpWithCookies();
    const login = await server.post(
      '/auth/login',
      { email: victim.email, password: PASSWORD },
      { cookie: `refresh_token=${attacker.refresh_token}; access_token=${attacker.access_token}` },
    );
    expect(login.body.user.session_id).not.toBe(attacker.answer.body.user.session_id);
    expect(login.body.user.email).toBe(victim.email);
  });
  it('refuses a refresh cookie beside an access cookie of another session, and spends nothing', async () => {
    const [victim, attacker] = [await signUpWithCookies(), await signUpWithCookies()];
    const mixed = await server.post('/auth/refresh', undefined, {
      cookie: `access_token=${victim.access_token}; refresh_token=${attacker.refresh_token}`,
    });
    expect([mixed.status, mixed.body.error, mixed.setCookies]).toEqual([401, 'refresh_token_mismatch', []]);
    const own = await server.post('/auth/refresh', undefined, {
      cookie: `refresh_token=${attacker.refresh_token}`,
    });
    expect(own.status).toBe(200);
  });
  it('refuses two cookies of one name: one of them was planted', async () => {
    const [victim, attacker] = [await signUpWithCookies(), await signUpWithCookies()];
    const refresh = await server.post('/auth/refresh', undefined, {
      cookie: `refresh_token=${attacker.refresh_token}; refresh_token=${victim.refresh_token}`,
    });
    expect([refresh.status, refresh.body.error]).toEqual([401, 'refresh_token_invalid']);
    const me = await server.request('/auth/me', {
      cookie: `access_token=${attacker.access_token}; access_token=${victim.access_token}`,
    });
    expect([me.status, me.body.error]).toEqual([401, 'token_invalid']);
  });
  it('takes a cookie’s name and attributes from the options', async () => {
    const custom = await startServer({
      adapter,
      options: {
        cookie: { accessName: 'at', refreshName: 'rt', sameSite: 'strict', secure: false },
        routePrefix: 'api/auth',
      },
    });
    const { setCookies, status } = await custom.post('/api/auth/signup', {
      email: 'a@example.com',
      password: PASSWORD,
    });
    expect(status).toBe(201);
    expect(setCookies[0]).toMatch(/^at=[^;]+; Max-Age=900; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(setCookies[1]).toMatch(/^rt=[^;]+; Max-Age=2592000; Path=\/api\/auth; HttpOnly; SameSite=Strict$/);
    expect((await custom.request('/.well-known/jwks.json')).status).toBe(200);
    expect((await custom.post('/auth/login', {})).status).toBe(404);
    await custom.close();
  });
});
