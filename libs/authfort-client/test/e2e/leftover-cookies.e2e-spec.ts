import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AuthClient, createAuthClient } from 'authfort-client';
import { CookieJar } from '../../../authfort/test/cookie-jar.js';
import { PASSWORD, startServer, type TestServer } from '../../../authfort/test/harness.js';

const HOST = '127.0.0.1';

/** The options of the server have changed under a browser that is signed in. */
describe('a client whose browser has cookies of earlier options', () => {
  let server: TestServer;
  const clients: AuthClient[] = [];
  beforeAll(async () => {
    server = await startServer({ options: { cookie: { path: '/auth' } } });
  });
  afterAll(async () => {
    for (const client of clients) client.dispose();
    await server.close();
  });

  it.each([
    [
      'a second access cookie',
      ['access_token=older; Path=/'],
      ['/auth/me 401', '/auth/refresh 200', '/auth/me 200'],
    ],
    [
      'a refresh cookie of the Python AuthFort',
      [`refresh_token=${randomBytes(64).toString('base64url')}; Path=/`],
      ['/auth/me 200'],
    ],
    [
      'both',
      [`refresh_token=${randomBytes(64).toString('base64url')}; Path=/`, 'access_token=older; Path=/'],
      ['/auth/me 401', '/auth/refresh 200', '/auth/me 200'],
    ],
  ])('loses %s without its user noticing', async (_, leftovers, expected) => {
    const jar = new CookieJar();
    const calls: string[] = [];
    const inBrowser: typeof fetch = async (input, init) => {
      const request = new Request(input, init);
      const { pathname } = new URL(request.url);
      request.headers.set('cookie', jar.header(HOST, pathname));
      request.headers.set('sec-fetch-site', 'same-origin');
      const response = await fetch(request);
      calls.push(`${pathname} ${response.status}`);
      jar.receive(HOST, { setCookies: response.headers.getSetCookie() });
      return response;
    };
    const client = createAuthClient({ baseUrl: `${server.url}/auth`, tokenMode: 'cookie', fetch: inBrowser });
    clients.push(client);
    await client.signUp({ email: `leftover-${Math.random()}@example.com`, password: PASSWORD });
    for (const leftover of leftovers) jar.set(HOST, leftover);
    calls.length = 0;
    expect((await client.fetch(`${server.url}/auth/me`)).status).toBe(200);
    expect(calls).toEqual(expected);
    server.clock.advance(906);
    expect((await client.fetch(`${server.url}/auth/me`)).status).toBe(200);
    expect(client.getSnapshot().state).toBe('authenticated');
    expect([
      jar.count(HOST, '/auth/me', 'access_token'),
      jar.count(HOST, '/auth/me', 'refresh_token'),
    ]).toEqual([1, 1]);
  });
});
