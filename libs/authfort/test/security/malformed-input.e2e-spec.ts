import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Post } from '@nestjs/common';
import { Public } from 'authfort-service';
import { overHttp1 } from '../../../authfort-service/test/raw-http.js';
import { adapters, INTROSPECT_SECRET, PASSWORD, startServer, type TestServer } from '../harness.js';

const MARK = 'echo-me-if-you-dare';
const JSON_TYPE = { 'content-type': 'application/json' };

@Controller('app')
@Public()
class AppController {
  @Post('echo')
  echo(@Body() body: unknown): unknown {
    return body;
  }
}

const routes = ['/auth/signup', '/auth/login', '/auth/refresh', '/auth/logout'];

/** ASVS 2.2, 16.5: whatever is sent, the answer is a clear 4xx with a code, never a 500, and never the input. */
describe.each(adapters)('attack: malformed input, on %s', (adapter) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ adapter, controllers: [AppController] });
  });
  afterAll(() => server.close());

  const post = (path: string, raw: string | Uint8Array, contentType = 'application/json') =>
    server.request(path, {
      method: 'POST',
      raw,
      headers: contentType ? { 'content-type': contentType } : {},
    });

  async function expectRefused(
    path: string,
    raw: string | Uint8Array,
    contentType?: string,
  ): Promise<string> {
    const { status, body, text } = await post(path, raw, contentType);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(body).toMatchObject({
      statusCode: status,
      error: expect.stringMatching(/^[a-z_]+$/),
      message: expect.any(String),
    });
    expect(text).not.toContain(MARK);
    return body.error as string;
  }

  it('refuses a long run of combining marks before it is normalised', async () => {
    // Normalisation takes quadratic time: seconds for 90 KB, minutes for 1 MB.
    const marks = '\u0315'.repeat(22_000) + '\u0300'.repeat(22_000);
    const email = 'marks@example.com';
    const began = performance.now();
    const bodies = [
      ['/auth/signup', { email, password: PASSWORD, name: `a${marks}` }],
      ['/auth/signup', { email, password: `a${marks}` }],
      ['/auth/login', { email, password: `a${marks}` }],
      ['/auth/otp/verify', { email, code: `1${marks}` }],
    ] as const;
    for (const [path, body] of bodies) await expectRefused(path, JSON.stringify(body));
    expect(performance.now() - began).toBeLessThan(1000);
  });

  describe.each(routes)('%s', (path) => {
    it.each([
      ['half an object', `{"email":"${MARK}`],
      ['plain text', MARK],
      ['an array', `["${MARK}"]`],
      ['a string', `"${MARK}"`],
      ['null', 'null'],
      ['a number', '7'],
      ['a trailing comma', `{"a":"${MARK}",}`],
      ['a __proto__ member', `{"__proto__":{"admin":true},"email":"${MARK}","password":"x"}`],
      ['a nested __proto__ member', `{"email":{"a":{"__proto__":{"admin":true}}},"refresh_token":"${MARK}"}`],
      ['a thousand levels', `{"email":${'['.repeat(1000)}${']'.repeat(1000)}}`],
      ['a hundred thousand levels', '['.repeat(100_000)],
    ])('refuses %s', async (_, raw) => {
      expect(await expectRefused(path, raw)).toMatch(
        /^(invalid_json|validation_error|bad_request|payload_too_large)$/,
      );
    });
    it('refuses bytes that are no UTF-8', async () => {
      const bytes = Buffer.concat([
        Buffer.from('{"email":"'),
        Buffer.from([0xff, 0xfe, 0xc3, 0x28]),
        Buffer.from('","password":'),
      ]);
      await expectRefused(path, bytes);
    });
    it('refuses ten megabytes', async () => {
      expect(await expectRefused(path, `{"email":"${'x'.repeat(10_000_000)}"}`)).toBe('payload_too_large');
    });
    it.each([
      'text/plain',
      'text/html',
      'application/x-www-form-urlencoded',
      'application/xml',
      'multipart/form-data',
      `x/${MARK}`,
    ])('refuses the content type %s', async (contentType) => {
      expect(await expectRefused(path, `{"email":"${MARK}"}`, contentType)).toMatch(
        /^(unsupported_media_type|bad_request)$/,
      );
    });
  });

  const bytes = (...parts: (string | number[])[]) =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));
  const signup = (name: number[], before = '') =>
    bytes(`{"email":"utf8@example.com","password":"${PASSWORD}",${before}"name":"a`, name, 'b"}');
  // RFC 8259 §8.1, RFC 3629 §3 and §10: a decoder that replaces such bytes lets two different bodies mean the same.
  it.each([
    ['a byte that never occurs', signup([0xff])],
    ['a continuation byte alone', signup([0x80])],
    ['a sequence that is cut short', signup([0xe2, 0x82])],
    ['an overlong slash', signup([0xc0, 0xaf])],
    ['an overlong U+0000', signup([0xc0, 0x80])],
    ['a surrogate in three bytes', signup([0xed, 0xa0, 0x80])],
    ['a code point beyond U+10FFFF', signup([0xf4, 0x90, 0x80, 0x80])],
    ['Latin-1', signup([0xe9])],
    [
      'in a member that is dropped',
      bytes(`{"email":"utf8@example.com","password":"${PASSWORD}","x":["`, [0xff], '"]}'),
    ],
    [
      'in the name of a member',
      bytes(`{"email":"utf8@example.com","password":"${PASSWORD}","`, [0xff], '":1}'),
    ],
    ['in the password', bytes('{"email":"utf8@example.com","password":"long enough ', [0xff], '"}')],
  ])('refuses a body that is no UTF-8: %s', async (_, raw) => {
    expect(await expectRefused('/auth/signup', raw)).toBe('invalid_json');
    for (const path of ['/auth/login', '/auth/forgot-password', '/auth/magic-link', '/auth/otp'])
      expect(await expectRefused(path, raw)).toBe('invalid_json');
  });
  it('refuses bytes that are no UTF-8 in a signed-in request, and at introspection', async () => {
    const { accessToken } = await server.signUp();
    const json = { 'content-type': 'application/json' };
    const me = await server.request('/auth/me', {
      method: 'PATCH',
      raw: bytes('{"name":"', [0xff], '"}'),
      headers: json,
      bearer: accessToken,
    });
    expect([me.status, me.body.error]).toEqual([400, 'invalid_json']);
    const headers = { ...json, authorization: `Bearer ${INTROSPECT_SECRET}` };
    const raw = bytes(`{"token":"${accessToken}","x":"`, [0xff], '"}');
    const introspected = await server.request('/introspect', { method: 'POST', raw, headers });
    expect([introspected.status, introspected.body.error]).toEqual([400, 'invalid_json']);
  });
  it('refuses another encoding than UTF-8', async () => {
    const text = JSON.stringify({ email: 'utf16@example.com', password: PASSWORD });
    const utf16 = Buffer.from(text, 'utf16le');
    const code = await expectRefused('/auth/signup', utf16, 'application/json; charset=utf-16le');
    // Fastify reads it as UTF-8, and finds no JSON.
    expect(code).toBe(adapter === 'express' ? 'unsupported_media_type' : 'invalid_json');
    expect(await expectRefused('/auth/signup', utf16)).toBe('invalid_json');
    for (const charset of ['utf-8', 'UTF-8', '"utf-8"'])
      expect((await post('/auth/login', text, `application/json; charset=${charset}`)).status).toBe(401);
  });
  it('takes every character that is UTF-8', async () => {
    const name = 'é € 😀 \u{10ffff} \ufffc 日本';
    const { status, body } = await server.post('/auth/signup', {
      email: 'all@example.com',
      password: PASSWORD,
      name,
    });
    expect([status, body.user.name]).toEqual([201, name]);
  });
  it('leaves the routes of the app alone', async () => {
    const raw = bytes('{"name":"', [0xff], '"}');
    const answer = await server.request('/app/echo', {
      method: 'POST',
      raw,
      headers: { 'content-type': 'application/json' },
    });
    expect([answer.status, answer.body]).toEqual([201, { name: '\ufffd' }]);
  });

  it.each([
    ['a missing password', { email: 'a@example.com' }, 'password'],
    ['a missing e-mail', { password: PASSWORD }, 'email'],
    ['a number for an e-mail', { email: 7, password: PASSWORD }, 'email'],
    ['an object for an e-mail', { email: { $ne: MARK }, password: PASSWORD }, 'email'],
    ['an array for a password', { email: 'a@example.com', password: [MARK] }, 'password'],
    ['a number for a name', { email: 'a@example.com', password: PASSWORD, name: 7 }, 'name'],
    ['U+0000 in a password', { email: 'a@example.com', password: `${PASSWORD}\u0000` }, 'password'],
    ['a lone surrogate in a name', { email: 'a@example.com', password: PASSWORD, name: 'a\ud800' }, 'name'],
  ])('says which field is wrong: %s', async (_, json, field) => {
    const { status, body, text } = await server.post('/auth/signup', json);
    expect([status, body.error]).toEqual([422, 'validation_error']);
    expect(body.details).toEqual([{ field, message: expect.any(String) }]);
    expect(text).not.toContain(MARK);
  });
  it.each([
    ['invalid_email', { email: 'no-at-sign' }],
    ['invalid_email', { email: 'a@b' }],
    ['invalid_email', { email: 'a b@example.com' }],
    ['invalid_email', { email: `${'a'.repeat(300)}@example.com` }],
    ['invalid_email', { email: 'a@example.com\r\nbcc: x@example.com' }],
    ['invalid_email', { email: 'a@exa..mple.com' }],
    ['invalid_name', { name: 'x'.repeat(256) }],
    ['invalid_name', { name: 'a\u001b[31m' }],
    ['invalid_phone', { phone: 'call me' }],
    ['invalid_avatar_url', { avatar_url: 'javascript:alert(1)' }],
    ['invalid_avatar_url', { avatar_url: 'https://' }],
  ])('answers %s to %j', async (error, fields) => {
    const answer = await server.post('/auth/signup', {
      email: 'new@example.com',
      password: PASSWORD,
      ...fields,
    });
    expect([answer.status, answer.body.error]).toEqual([400, error]);
  });
  it('drops members that it does not know', async () => {
    const { status, body } = await server.post('/auth/signup', {
      email: 'mass@example.com',
      password: PASSWORD,
      roles: ['admin'],
      email_verified: true,
      banned: true,
    });
    expect(status).toBe(201);
    expect(body.user).toMatchObject({ roles: [], email_verified: false, banned: false });
  });
  it.each(['refresh', 'logout'])('accepts %s with an empty body under application/json', async (path) => {
    const { status } = await server.request(`/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    expect(status).toBe(path === 'logout' ? 204 : 401);
  });
  it.each(['0', undefined])(
    'answers 404 to JSON without a body (content-length %s) at an unknown route',
    async (length) => {
      for (const path of ['/unknown', '/auth/unknown', '/auth']) {
        const headers = { ...JSON_TYPE, ...(length !== undefined && { 'content-length': length }) };
        const answer = await overHttp1(server.url + path, { headers });
        expect([answer.status, answer.error]).toEqual([404, 'not_found']);
      }
    },
  );
  it.each(['refresh', 'logout'])('takes chunked JSON without a chunk for no body at %s', async (path) => {
    const headers = { ...JSON_TYPE, 'transfer-encoding': 'chunked' };
    const { status } = await overHttp1(`${server.url}/auth/${path}`, { headers });
    expect(status).toBe(path === 'logout' ? 204 : 401);
  });
  it('does not repeat a path or a method that it does not know', async () => {
    for (const [method, path] of [
      ['GET', `/${MARK}`],
      ['DELETE', `/auth/${MARK}`],
      ['PUT', '/auth/login'],
    ] as const) {
      const { status, body, text } = await server.request(path, { method });
      expect([404, 405]).toContain(status);
      expect(body.error).toMatch(/^(not_found|method_not_allowed)$/);
      expect(text).not.toContain(MARK);
    }
    for (const path of ['/%', '/%00', '/auth/%ff', '/auth/me%00']) {
      const { status } = await server.request(path);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    }
  });
  it.each(['x'.repeat(43), 'a\u0000b', '', ' ', 'ä'.repeat(43), 'x'.repeat(100_000)])(
    'refuses the refresh token %.20j',
    async (refresh_token) => {
      const { status, body } = await server.post('/auth/refresh', { refresh_token });
      expect([401, 422]).toContain(status);
      expect(body.error).toMatch(/^(refresh_token_invalid|refresh_token_missing|validation_error)$/);
    },
  );
  it('answers with a code to code, too', async () => {
    const { authfort } = server;
    const { id } = await server.signUp();
    for (const odd of ['', 'no uuid', 'a\u0000b', '\ud800', `${id}\n`]) {
      for (const call of [
        () => authfort.getUser(odd),
        () => authfort.banUser(odd),
        () => authfort.unbanUser(odd),
        () => authfort.addRole(odd, 'admin'),
        () => authfort.removeRole(odd, 'admin'),
        () => authfort.getRoles(odd),
        () => authfort.getSessions(odd),
        () => authfort.revokeSession(odd, id),
        () => authfort.revokeAllSessions(odd),
      ])
        await expect(call()).rejects.toMatchObject({ code: 'user_not_found' });
      await expect(authfort.revokeSession(id, odd)).rejects.toMatchObject({ code: 'session_not_found' });
      await expect(authfort.revokeAllSessions(id, odd)).rejects.toMatchObject({ code: 'session_not_found' });
      await expect(authfort.getUserByEmail(odd)).rejects.toMatchObject({ code: 'invalid_email' });
      await expect(authfort.verifyToken(odd)).rejects.toMatchObject({ code: 'token_invalid' });
      await expect(authfort.refresh(odd)).rejects.toMatchObject({ code: 'refresh_token_invalid' });
      await authfort.logout(odd);
      expect(await authfort.compromiseKey(odd)).toBe(false);
      expect(await authfort.hasRole(id, odd)).toBe(false);
      await expect(authfort.addRole(id, `${odd}\u0000`)).rejects.toMatchObject({ code: 'invalid_role' });
      await authfort.removeRole(id, `${odd}\u0000`);
    }
    expect(await authfort.getSessions(id)).toHaveLength(1);
  });
});
