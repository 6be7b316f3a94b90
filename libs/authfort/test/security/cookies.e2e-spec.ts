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
    expect(answer.cookies).toMatchObject({
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
  describe('a browser', () => {
    // Browsers send this with every request to a secure origin; no page can take it away.
    const headers = { 'sec-fetch-site': 'same-origin' };
    const mark = '__Host-refresh_token-session';

    it('refreshes with the session mark that came with the cookie', async () => {
      const { answer, refresh_token } = await signUpWithCookies();
      expect(answer.setCookies[2]!.split('; ').sort()).toEqual(
        [
          `${mark}=${answer.body.user.session_id}`,
          'HttpOnly',
          'Max-Age=2592000',
          'Path=/',
          'SameSite=Lax',
          'Secure',
        ].sort(),
      );
      const cookie = `refresh_token=${refresh_token}; ${mark}=${answer.cookies[mark]}`;
      const refreshed = await server.post('/auth/refresh', undefined, { cookie, headers });
      expect([refreshed.status, refreshed.cookies[mark]]).toEqual([200, answer.cookies[mark]]);
      const logout = await server.post('/auth/logout', undefined, { cookie, headers });
      expect(logout.setCookies[2]).toMatch(/^__Host-refresh_token-session=; .*Max-Age=0.*Path=\//);
    });
    it('never adopts a refresh cookie that was planted, signed in or signed out', async () => {
      const [victim, attacker] = [await signUpWithCookies(), await signUpWithCookies()];
      const planted = `refresh_token=${attacker.refresh_token}`;
      const attempts = [
        planted,
        `${planted}; access_token=${attacker.access_token}`,
        `${planted}; ${mark}=${victim.answer.cookies[mark]}`,
        `${planted}; access_token=${attacker.access_token}; ${mark}=${victim.answer.cookies[mark]}`,
        `${planted}; ${mark}=nonsense`,
      ];
      for (const cookie of attempts) {
        const answer = await server.post('/auth/refresh', undefined, { cookie, headers });
        expect([answer.status, answer.body.error, answer.setCookies]).toEqual([
          401,
          'refresh_token_mismatch',
          [],
        ]);
      }
      expect((await server.post('/auth/refresh', undefined, { cookie: planted })).status).toBe(200);
    });
  });
  it('looks at no more than four refresh cookies when it signs out', async () => {
    const own = await signUpWithCookies();
    const noise = Array.from({ length: 6 }, (_, n) => `refresh_token=planted-${n}`);
    const logout = await server.post('/auth/logout', undefined, {
      cookie: [`access_token=${own.access_token}`, ...noise].join('; '),
    });
    expect(logout.status).toBe(204);
    const cookie = `refresh_token=${own.refresh_token}`;
    expect((await server.post('/auth/refresh', undefined, { cookie })).status).toBe(401);
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
