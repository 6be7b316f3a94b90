import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CookieJar } from '../cookie-jar.js';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

const HOST = 'auth.shop.example.com';
const DOMAIN = '.shop.example.com';

/** One browser over a restart with other cookie options. */
describe('a browser whose cookies were set before a change of the options', () => {
  let hostOnly: TestServer;
  let domainWide: TestServer;
  let prefixed: TestServer;
  beforeAll(async () => {
    hostOnly = await startServer({ adapter: 'express', options: { cookie: {} } });
    domainWide = await startServer({
      adapter: 'fastify',
      replicaOf: hostOnly,
      options: { cookie: { domain: DOMAIN } },
    });
    prefixed = await startServer({
      adapter: 'express',
      replicaOf: hostOnly,
      options: { cookie: {}, routePrefix: 'auth/v2' },
    });
  });
  afterAll(async () => {
    await prefixed.close();
    await domainWide.close();
    await hostOnly.close();
  });

  async function call(server: TestServer, jar: CookieJar, path: string, json?: unknown) {
    const answer = await send(`${server.url}${path}`, jar.header(HOST, path), json);
    jar.receive(HOST, answer);
    return answer;
  }
  async function signUp(server: TestServer, jar: CookieJar) {
    const email = `b${Math.random()}@example.com`;
    expect((await call(server, jar, '/auth/signup', { email, password: PASSWORD })).status).toBe(201);
    return email;
  }

  it.each([
    ['set', () => [hostOnly, domainWide] as const],
    ['removed', () => [domainWide, hostOnly] as const],
  ])('has one access cookie after each refresh, COOKIE_DOMAIN being %s', async (_, servers) => {
    const [before, after] = servers();
    const jar = new CookieJar();
    await signUp(before, jar);
    expect((await call(after, jar, '/auth/refresh')).status).toBe(200);
    expect(jar.count(HOST, '/auth/me', 'access_token')).toBe(1);
    expect((await call(after, jar, '/auth/me')).status).toBe(200);
  });

  it.each(['/auth/refresh', '/auth/login', '/auth/logout'])(
    'loses a second access cookie at %s, whatever its form',
    async (path) => {
      for (const form of ['', `; Domain=${DOMAIN}`, '; Domain=.example.com', `; Domain=${HOST}`]) {
        for (const server of [hostOnly, domainWide]) {
          const jar = new CookieJar();
          const email = await signUp(server, jar);
          jar.set(HOST, `access_token=older; Path=/${form}`);
          server.clock.advance(3601);
          await call(server, jar, path, path === '/auth/login' ? { email, password: PASSWORD } : undefined);
          const left = path === '/auth/logout' ? 0 : 1;
          expect([form, jar.count(HOST, '/auth/me', 'access_token')]).toEqual([form, left]);
        }
      }
    },
  );

  it.each(['/auth/refresh', '/auth/login', '/auth/logout'])(
    'loses the refresh cookies of the Python AuthFort and of siblings at %s',
    async (path) => {
      const jar = new CookieJar();
      const email = await signUp(hostOnly, jar);
      for (const form of [
        'Path=/',
        'Path=/; Domain=.example.com',
        `Path=/auth; Domain=${DOMAIN}`,
        `Path=/; Domain=${HOST}`,
      ])
        jar.set(HOST, `refresh_token=${randomBytes(64).toString('base64url')}; ${form}`);
      const answer = await call(
        hostOnly,
        jar,
        path,
        path === '/auth/login' ? { email, password: PASSWORD } : undefined,
      );
      expect(answer.status).toBeLessThan(300);
      const left = path === '/auth/logout' ? 0 : 1;
      expect(jar.count(HOST, '/auth/refresh', 'refresh_token')).toBe(left);
      if (left) expect((await call(hostOnly, jar, '/auth/refresh')).setCookies).toHaveLength(3);
    },
  );

  it('keeps its session when the route prefix moves below the old one', async () => {
    const jar = new CookieJar();
    await signUp(hostOnly, jar);
    expect((await call(prefixed, jar, '/auth/v2/refresh')).status).toBe(200);
    expect((await call(prefixed, jar, '/auth/v2/refresh')).status).toBe(200);
    expect(jar.count(HOST, '/auth/v2/refresh', 'refresh_token')).toBe(1);
    expect((await call(prefixed, jar, '/auth/v2/logout')).status).toBe(204);
    expect(jar.header(HOST, '/auth/v2/refresh')).toBe('');
  });
});

/** Under the name of the host: fetch() would send the address. */
function send(url: string, cookie: string, json: unknown): Promise<{ status: number; setCookies: string[] }> {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const headers = {
    host: HOST,
    'sec-fetch-site': 'same-origin',
    ...(cookie && { cookie }),
    ...(body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  const method = url.endsWith('/me') ? 'GET' : 'POST';
  return new Promise((resolve, reject) => {
    httpRequest(url, { method, headers }, (response) => {
      const setCookies = response.headers['set-cookie'] ?? [];
      response.resume().on('end', () => resolve({ status: response.statusCode!, setCookies }));
    })
      .on('error', reject)
      .end(body);
  });
}
