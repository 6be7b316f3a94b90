import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { claimsOf, PASSWORD, startServer, type TestServer } from '../harness.js';

/** RFC 6265bis §5.6: a browser drops a cookie of more than 4096 bytes, and the sign-in with it. */
describe('fault: an access cookie that is too large for a browser', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      options: {
        algorithm: 'RS256',
        cookie: { domain: '.example.com' },
        claims: { permissions: true },
        issuer: 'https://auth.example.com',
        audience: ['https://api.example.com', 'https://shop.example.com'],
      },
    });
  });
  afterAll(() => server.close());
  const sizes = ({ setCookies }: { setCookies: string[] }) =>
    setCookies.map((line) => Buffer.byteLength(line));

  it('refuses the role that would make it so, and says why', async () => {
    const user = await server.signUp();
    let granted = 0;
    let refusal: { code?: string; statusCode?: number } = {};
    for (let n = 0; n < 100 && refusal.code === undefined; n += 1) {
      await server.authfort.addRole(user.id, `role-${String(n).padStart(28, '0')}`).then(
        () => (granted += 1),
        (error: { code: string }) => (refusal = error),
      );
    }
    expect([refusal.code, refusal.statusCode]).toEqual(['too_many_roles', 422]);
    expect(granted).toBeGreaterThanOrEqual(20);
    const login = await server.post('/auth/login', { email: user.email, password: PASSWORD });
    expect(login.status).toBe(200);
    expect(Math.max(...sizes(login))).toBeLessThan(4096);
    expect(claimsOf(login.body.tokens.access_token).roles).toHaveLength(granted);
    // Nothing of the refused grant remains, and a role can be exchanged for another.
    expect(await server.authfort.getRoles(user.id)).toHaveLength(granted);
    await server.authfort.removeRole(user.id, `role-${'0'.repeat(28)}`);
    await server.authfort.addRole(user.id, 'r'.repeat(33));
  });

  it('is never so with the longest address, name, roles and permissions that are valid', async () => {
    const email = `${'\u{1d49c}'.repeat(16)}@${'例'.repeat(10)}.${'例'.repeat(10)}.example`;
    const { status, body } = await server.post('/auth/signup', {
      email,
      password: PASSWORD,
      name: '"\\"'.repeat(85),
    });
    expect(status).toBe(201);
    const { id } = body.user;
    for (let n = 0; n < 100; n += 1)
      if (
        await server.authfort.addRole(id, `${n}`.padStart(64, 'x')).then(
          () => false,
          () => true,
        )
      )
        break;
    const [role] = await server.authfort.getRoles(id);
    for (let n = 0; n < 14; n += 1) await server.authfort.grantPermission(role!, `${n}`.padStart(64, 'p'));
    for (const name of ['"\\"'.repeat(85), '名'.repeat(255)]) {
      await server.request('/auth/me', {
        method: 'PATCH',
        json: { name },
        bearer: (await server.authfort.login(email, PASSWORD)).tokens.accessToken,
      });
      const login = await server.post('/auth/login', { email, password: PASSWORD });
      expect(Math.max(...sizes(login))).toBeLessThanOrEqual(4096);
      const claims = claimsOf(login.body.tokens.access_token);
      expect(claims).toMatchObject({ sub: id, email, roles: expect.arrayContaining([role]) });
      // The claims that services need are there; the others make room.
      for (const claim of ['ver', 'exp', 'iat', 'iss', 'aud', 'sid', 'jti'])
        expect(claims).toHaveProperty(claim);
    }
  });

  it('is not so for roles that were given before there was a bound: services ask for them', async () => {
    const user = await server.signUp();
    await server.dataSource.query(
      `INSERT INTO authfort_user_roles (user_id, role, granted_at)
       SELECT $1, lpad(n::text, 33, 'r'), now() FROM generate_series(1, 100) AS n`,
      [user.id],
    );
    const login = await server.post('/auth/login', { email: user.email, password: PASSWORD });
    expect(Math.max(...sizes(login))).toBeLessThan(4096);
    const token = login.body.tokens.access_token;
    // A verifier that needs the claim finds it; the omitted roles permit nothing.
    expect(claimsOf(token)).toMatchObject({ roles: [], roles_omitted: true });
    expect(login.body.user.roles).toHaveLength(100);
    expect((await server.introspect(token)).body.roles).toHaveLength(100);
    expect((await server.request('/auth/me', { bearer: token })).body.roles).toHaveLength(100);
    const { body } = await server.post('/auth/refresh', { refresh_token: login.body.tokens.refresh_token });
    expect(claimsOf(body.tokens.access_token)).toMatchObject({ roles: [] });
  });
});
