import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adapters, INTROSPECT_SECRET, type SignedUp, startServer, type TestServer } from '../harness.js';

const FORM = 'application/x-www-form-urlencoded';
const UMLAUT_SECRET = 'geheimnis-mit-ä-und-ü-und-€';

/** RFC 7662 §2.1, §4: only who knows the secret may ask, and an inactive token is told nothing more about. */
describe.each(adapters)('attack: asking /introspect, on %s', (adapter) => {
  let server: TestServer;
  let user: SignedUp;
  beforeAll(async () => {
    server = await startServer({
      adapter,
      options: { introspectSecret: [INTROSPECT_SECRET, UMLAUT_SECRET] },
    });
    user = await server.signUp();
  });
  afterAll(() => server.close());

  const ask = (authorization: string | undefined, token = user.accessToken) =>
    server.request('/introspect', {
      method: 'POST',
      raw: new URLSearchParams({ token }).toString(),
      headers: { 'content-type': FORM, ...(authorization && { authorization }) },
    });
  const basic = (text: string | Buffer) => `Basic ${Buffer.from(text as string).toString('base64')}`;

  it.each([
    undefined,
    'Bearer',
    'Bearer wrong-secret-of-some-length',
    `Bearer ${INTROSPECT_SECRET}x`,
    `Bearer ${INTROSPECT_SECRET.slice(0, -1)}`,
    INTROSPECT_SECRET,
    `Digest ${INTROSPECT_SECRET}`,
    `Basic ${INTROSPECT_SECRET}`,
    'Basic !!!',
    'Bearer ä',
  ])('refuses %s', async (authorization) => {
    const answer = await ask(authorization);
    expect([answer.status, answer.body.error]).toEqual([401, 'unauthorized']);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(answer.text).not.toContain(INTROSPECT_SECRET);
  });
  it('does not take a user’s access token for the secret', async () => {
    expect((await ask(`Bearer ${user.accessToken}`)).status).toBe(401);
  });
  it('accepts each secret by Bearer and Basic, also beyond ASCII', async () => {
    const utf8AsLatin1 = Buffer.from(UMLAUT_SECRET).toString('latin1');
    for (const authorization of [
      `Bearer ${INTROSPECT_SECRET}`,
      `bearer ${INTROSPECT_SECRET}`,
      basic(`orders:${INTROSPECT_SECRET}`),
      `Bearer ${utf8AsLatin1}`,
      basic(`orders:${UMLAUT_SECRET}`),
      basic(`orders:${encodeURIComponent(UMLAUT_SECRET)}`),
    ]) {
      expect((await ask(authorization)).body.active).toBe(true);
    }
  });
  it.each(['', 'nonsense', 'a.b.c', 'x'.repeat(20_000), '\u0000'])(
    'says exactly {"active":false} to %.20j',
    async (token) => {
      const answer = await ask(`Bearer ${INTROSPECT_SECRET}`, token);
      expect([answer.status, answer.text]).toEqual([200, '{"active":false}']);
    },
  );
  it('says the same of a refresh token and of an expired one', async () => {
    expect((await ask(`Bearer ${INTROSPECT_SECRET}`, user.refreshToken)).text).toBe('{"active":false}');
    const other = await server.signUp();
    server.clock.advance(906);
    expect((await ask(`Bearer ${INTROSPECT_SECRET}`, other.accessToken)).text).toBe('{"active":false}');
  });
  it('answers 4xx to a body that is no form and no JSON, or has no token', async () => {
    const authorization = `Bearer ${INTROSPECT_SECRET}`;
    const post = (contentType: string, raw: string) =>
      server.request('/introspect', {
        method: 'POST',
        raw,
        headers: { 'content-type': contentType, authorization },
      });
    expect((await post('text/plain', `token=${user.accessToken}`)).status).toBe(415);
    expect((await post(FORM, 'a=b')).body.error).toBe('validation_error');
    expect((await post(FORM, 'token=a&token=b')).body.error).toBe('validation_error');
    expect((await post('application/json', '{"token":7}')).body.error).toBe('validation_error');
    expect((await post('application/json', '{"token":')).body.error).toBe('invalid_json');
  });
  it('has no route when no secret is configured', async () => {
    const closed = await startServer({ adapter, options: { introspectSecret: undefined } });
    for (const path of ['/introspect', '/auth/introspect']) {
      const answer = await closed.post(
        path,
        { token: user.accessToken },
        { headers: { authorization: 'Bearer undefined' } },
      );
      const unknown = await closed.post('/no-such-route', { token: user.accessToken });
      expect([answer.status, answer.body]).toEqual([404, unknown.body]);
    }
    await closed.close();
  });
});
