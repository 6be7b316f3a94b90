import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { overHttp1 } from '../../../authfort-service/test/raw-http.js';
import { adapters, PASSWORD, startServer, type TestServer } from '../harness.js';

const APP = 'https://app.example.com';
const SHELLS = ['capacitor://localhost', 'http://tauri.localhost'];
const EVIL_ORIGINS = [
  'capacitor://evil',
  'https://evil.example',
  'https://sibling.example.com',
  'https://app.example.com.evil.example',
  'https://xapp.example.com',
  'http://app.example.com',
  'https://app.example.com:8443',
  'null',
];

/** OWASP CSRF, ASVS 3.5: another site can make the browser send our cookies, so where a request comes from has to be right. */
describe.each(adapters)('attack: requests from another site, on %s', (adapter) => {
  let server: TestServer;
  let cookie: string;
  beforeAll(async () => {
    server = await startServer({
      adapter,
      options: { cookie: {}, corsOrigins: [`${APP.toUpperCase()}:443`, ...SHELLS] },
    });
    const { cookies } = await server.post('/auth/signup', { email: 'v@example.com', password: PASSWORD });
    cookie = `access_token=${cookies.access_token}; refresh_token=${cookies.refresh_token}`;
  });
  afterAll(() => server.close());

  it.each(['/auth/refresh', '/auth/logout'])(
    'refuses %s by cookie from foreign and sibling origins',
    async (path) => {
      for (const origin of EVIL_ORIGINS) {
        const answer = await server.post(path, {}, { cookie, headers: { origin } });
        expect([answer.status, answer.body.error]).toEqual([403, 'csrf_rejected']);
        expect(answer.setCookies).toEqual([]);
      }
    },
  );
  it.each(['cross-site', 'same-site'])('refuses Sec-Fetch-Site: %s', async (site) => {
    const answer = await server.post('/auth/logout', {}, { cookie, headers: { 'sec-fetch-site': site } });
    expect([answer.status, answer.body.error]).toEqual([403, 'csrf_rejected']);
  });
  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'refuses %s, which a form can send without a preflight',
    async (contentType) => {
      const answer = await server.request('/auth/logout', {
        method: 'POST',
        raw: '{}',
        cookie,
        headers: { 'content-type': contentType },
      });
      expect([403, 415]).toContain(answer.status);
    },
  );
  it.each(['text/plain', 'text/plain; application/json', 'multipart/form-data; boundary=x'])(
    'refuses %s with an empty body too',
    async (contentType) => {
      for (const path of ['/auth/refresh', '/auth/logout']) {
        const answer = await server.request(path, {
          method: 'POST',
          raw: '',
          cookie,
          headers: { 'content-type': contentType },
        });
        // Fastify reads no multipart at all.
        expect(['csrf_rejected', 'unsupported_media_type']).toContain(answer.body.error);
        expect(answer.setCookies).toEqual([]);
      }
    },
  );
  it('refuses other sites with an empty body that is announced as JSON', async () => {
    const answer = await server.request('/auth/logout', {
      method: 'POST',
      raw: '',
      cookie,
      headers: { 'content-type': 'application/json', origin: 'https://evil.example' },
    });
    expect([answer.status, answer.body.error]).toEqual([403, 'csrf_rejected']);
  });
  it('refuses to sign a visitor in from another site (login CSRF)', async () => {
    const answer = await server.post(
      '/auth/login',
      { email: 'v@example.com', password: PASSWORD },
      { headers: { origin: 'https://evil.example' } },
    );
    expect([answer.status, answer.body.error, answer.setCookies]).toEqual([403, 'csrf_rejected', []]);
  });
  it('still has the session after all that', async () => {
    expect((await server.request('/auth/me', { cookie })).status).toBe(200);
  });
  it('serves the listed origin, its own origin, and clients that are no browsers', async () => {
    for (const headers of [
      { origin: APP, 'sec-fetch-site': 'same-site' },
      { origin: server.url },
      { 'sec-fetch-site': 'same-origin' },
      {},
    ]) {
      const login = await server.post(
        '/auth/login',
        { email: 'v@example.com', password: PASSWORD },
        { headers },
      );
      expect(login.status).toBe(200);
    }
  });

  it.each([
    ['https://auth.example.com', 'auth.example.com:443', 200],
    ['http://auth.example.com', 'auth.example.com:80', 200],
    ['https://auth.example.com', 'AUTH.Example.com', 200],
    ['https://auth.example.com.', 'auth.example.com.', 200],
    ['https://auth.example.com', 'auth.example.com.', 200],
    ['https://xn--bcher-kva.example', 'xn--bcher-kva.example:443', 200],
    ['http://[::1]:8000', '[0:0:0:0:0:0:0:1]:8000', 200],
    ['https://APP.example.com:443', 'auth.example.com', 200],
    ['capacitor://localhost', 'auth.example.com', 200],
    ['http://tauri.localhost', 'auth.example.com', 200],
    ['https://auth.example.com:8443', 'auth.example.com', 403],
    ['https://auth.example.com', 'auth.example.com:8443', 403],
    ['https://auth.example.com.evil.example', 'auth.example.com', 403],
    ['capacitor://auth.example.com', 'auth.example.com', 403],
    ['ionic://localhost', 'auth.example.com', 403],
    ['https://evil.example', 'auth.example.com', 403],
  ])('answers a page of %s at the host %s with %d', async (origin, host, expected) => {
    const headers = { origin, host, 'content-type': 'application/json', 'x-forwarded-host': 'evil.example' };
    const body = JSON.stringify({ email: 'v@example.com', password: PASSWORD });
    const answer = await overHttp1(`${server.url}/auth/login`, { headers, body });
    expect(answer.status).toBe(expected);
  });
  it.each(['capacitor://localhost', 'https://APP.example.com:443'])(
    'repeats the listed origin %s as it was sent',
    async (origin) => {
      const { headers } = await server.request('/auth/me', { headers: { origin } });
      expect(headers.get('access-control-allow-origin')).toBe(origin);
    },
  );
  it.each(EVIL_ORIGINS)('gives %s no CORS header', async (origin) => {
    for (const options of [
      { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } },
      { method: 'GET', headers: { origin }, cookie },
    ]) {
      const { headers } = await server.request('/auth/me', options);
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
      expect(headers.get('vary')).toContain('Origin');
    }
  });
  it('gives the listed origin CORS with credentials', async () => {
    const preflight = await server.request('/auth/login', {
      method: 'OPTIONS',
      headers: {
        origin: APP,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(APP);
    expect(preflight.headers.get('access-control-allow-credentials')).toBe('true');
    expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type');
    const me = await server.request('/auth/me', { cookie, headers: { origin: APP } });
    expect(me.headers.get('access-control-allow-origin')).toBe(APP);
  });
});
