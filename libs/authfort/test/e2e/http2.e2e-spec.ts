import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { overHttp2, type RawRequest } from '../../../authfort-service/test/raw-http.js';
import { INTROSPECT_SECRET, PASSWORD, startServer, type TestServer } from '../harness.js';

const APP = 'https://app.example.com';
const JSON_TYPE = { 'content-type': 'application/json' };

describe('the auth server over HTTP/2', () => {
  let server: TestServer;
  let cookie: string;
  const ask = (path: string, request?: RawRequest) => overHttp2(server.url + path, request);
  const setCookies = (headers: Record<string, string | string[] | undefined>) =>
    [headers['set-cookie'] ?? []].flat().map((line) => line.split(';')[0]!);
  const login = async () => {
    const body = JSON.stringify({ email: 'ada@example.com', password: PASSWORD });
    return ask('/auth/login', { headers: JSON_TYPE, body });
  };
  beforeAll(async () => {
    server = await startServer({ http2: true, options: { cookie: {}, corsOrigins: [APP] } });
    await server.authfort.createUser({ email: 'ada@example.com', password: PASSWORD });
    cookie = setCookies((await login()).headers).join('; ');
  });
  afterAll(() => server.close());

  it('reads a body without content-length', async () => {
    const body = JSON.stringify({ email: 'new@example.com', password: PASSWORD });
    const { status } = await ask('/auth/signup', { headers: JSON_TYPE, body });
    expect(status).toBe(201);
    const headers = { ...JSON_TYPE, 'content-length': String(Buffer.byteLength(body)) };
    expect((await ask('/auth/signup', { headers, body })).error).toBe('user_exists');
  });
  it('reads a form without content-length', async () => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Bearer ${INTROSPECT_SECRET}`,
    };
    const { status, text } = await ask('/introspect', { headers, body: 'token=none' });
    expect([status, JSON.parse(text)]).toEqual([200, { active: false }]);
  });
  it.each([
    ['invalid_json', 400, JSON_TYPE, '{"email":'],
    ['invalid_json', 400, JSON_TYPE, '[]'],
    ['validation_error', 422, JSON_TYPE, '{}'],
    ['unsupported_media_type', 415, {}, '{}'],
    ['unsupported_media_type', 415, { 'content-type': 'application/xml' }, '<a/>'],
    ['payload_too_large', 413, JSON_TYPE, JSON.stringify({ email: 'x'.repeat(2_000_000) })],
  ])('answers %s with %d', async (error, status, headers, body) => {
    const answer = await ask('/auth/login', { headers, body });
    expect([answer.status, answer.error]).toEqual([status, error]);
  });
  it.each([
    ['a stream that ends with its headers', {}, true],
    ['a stream that ends later', {}, false],
    ['JSON that ends with the headers', JSON_TYPE, true],
    ['JSON that ends later', JSON_TYPE, false],
    ['JSON of length 0', { ...JSON_TYPE, 'content-length': '0' }, false],
  ])('takes %s for no body', async (_, headers, endWithHeaders) => {
    const own = setCookies((await login()).headers).join('; ');
    const refreshed = await ask('/auth/refresh', { headers: { ...headers, cookie: own }, endWithHeaders });
    expect([refreshed.status, refreshed.error]).toEqual([200, undefined]);
    const { status } = await ask('/auth/logout', { headers: { ...headers, cookie: own }, endWithHeaders });
    expect(status).toBe(204);
  });
  it.each(['/unknown', '/auth/unknown'])('answers 404 to JSON without a body at %s', async (path) => {
    for (const headers of [JSON_TYPE, { ...JSON_TYPE, 'content-length': '0' }])
      expect((await ask(path, { headers })).error).toBe('not_found');
  });
  it.each([
    ['https://auth.example.com', 'auth.example.com', 200],
    ['https://auth.example.com', 'auth.example.com:443', 200],
    [APP, 'auth.example.com', 200],
    ['https://evil.example', 'auth.example.com', 403],
    ['https://auth.example.com:8443', 'auth.example.com', 403],
    ['https://auth.example.com.evil.example', 'auth.example.com', 403],
    ['null', 'auth.example.com', 403],
  ])('answers a page of %s at the authority %s with %d', async (origin, authority, expected) => {
    const own = setCookies((await login()).headers).join('; ');
    const headers = { origin, ':authority': authority, cookie: own };
    expect((await ask('/auth/refresh', { headers })).status).toBe(expected);
  });
  it('answers a preflight, and reads the cookies of HTTP/2', async () => {
    const headers = { origin: APP, 'access-control-request-method': 'POST' };
    const preflight = await ask('/auth/login', { method: 'OPTIONS', headers });
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([204, APP]);
    const me = await ask('/auth/me', { method: 'GET', headers: { cookie: cookie.split('; ') } });
    expect(me.status).toBe(200);
  });
});
