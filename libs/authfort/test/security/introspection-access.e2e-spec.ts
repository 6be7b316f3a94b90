import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { listRoutes } from 'authfort-service';
import {
  adapters,
  INTROSPECT_SECRET,
  PASSWORD,
  type SignedUp,
  startServer,
  type TestServer,
} from '../harness.js';

const FORM = 'application/x-www-form-urlencoded';
const UMLAUT_SECRET = 'geheimnis-mit-ä-und-ü-und-€';
const ODD_SECRET = 'a secret+with:odd&characters=%41/~';

/** RFC 7662 §2.1, §4: only who knows the secret may ask, and an inactive token is told nothing more about. */
describe.each(adapters)('attack: asking /introspect, on %s', (adapter) => {
  let server: TestServer;
  let user: SignedUp;
  beforeAll(async () => {
    server = await startServer({
      adapter,
      options: { introspectSecret: [INTROSPECT_SECRET, UMLAUT_SECRET, ODD_SECRET] },
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

  it('asks for a credential when there is none', async () => {
    const answer = await ask(undefined);
    expect([answer.status, answer.body.error]).toEqual([401, 'unauthorized']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="authfort"');
  });
  it.each([
    'Bearer',
    'Bearer wrong-secret-of-some-length',
    `Bearer ${INTROSPECT_SECRET}x`,
    `Bearer ${INTROSPECT_SECRET.slice(0, -1)}`,
    INTROSPECT_SECRET,
    `Digest ${INTROSPECT_SECRET}`,
    'Bearer ä',
  ])('refuses %s with a Bearer challenge', async (authorization) => {
    const answer = await ask(authorization);
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="authfort", error="invalid_token"/);
    expect(answer.text).not.toContain(INTROSPECT_SECRET);
  });
  it.each([
    'Basic',
    `Basic ${INTROSPECT_SECRET}`,
    'Basic !!!',
    `Basic ${Buffer.from('orders').toString('base64')}`,
    `Basic ${Buffer.from('orders:').toString('base64')}`,
    `Basic ${Buffer.from(`${INTROSPECT_SECRET}:`).toString('base64')}`,
    `Basic ${Buffer.from(`orders:${INTROSPECT_SECRET}x`).toString('base64')}`,
    `Basic ${Buffer.from(`orders:${INTROSPECT_SECRET}%`).toString('base64')}`,
    `Basic ${Buffer.from(`orders:${INTROSPECT_SECRET}%zz`).toString('base64')}`,
    `bAsIc ${Buffer.from('orders:wrong').toString('base64')}`,
  ])('refuses %s with a Basic challenge (RFC 6749 §5.2)', async (authorization) => {
    const answer = await ask(authorization);
    expect(answer.body).toEqual({
      statusCode: 401,
      error: 'invalid_client',
      message: expect.any(String),
    });
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="authfort", charset="UTF-8"');
    expect(answer.headers.get('cache-control')).toBe('no-store');
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
  it('decodes the credentials of Basic as RFC 6749 §2.3.1 says', async () => {
    const odd = encodeURIComponent(ODD_SECRET);
    for (const encoded of [
      INTROSPECT_SECRET.replaceAll('-', '%2D'),
      INTROSPECT_SECRET.replaceAll('-', '%2d'),
      INTROSPECT_SECRET.replace('i', '%69'),
      ODD_SECRET,
      odd,
      odd.replaceAll('%20', '+'),
      odd.replaceAll(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()),
      new URLSearchParams({ s: ODD_SECRET }).toString().slice(2),
      new URLSearchParams({ s: UMLAUT_SECRET }).toString().slice(2),
    ]) {
      const answer = await ask(basic(`an%20id+of+a%3Aclient:${encoded}`));
      expect([encoded, answer.body.active]).toEqual([encoded, true]);
    }
  });
  it('accepts client_secret_post, as a form and as JSON', async () => {
    const post = (members: Record<string, string>, headers = {}) =>
      server.request('/introspect', {
        method: 'POST',
        raw: new URLSearchParams({ token: user.accessToken, ...members }).toString(),
        headers: { 'content-type': FORM, ...headers },
      });
    for (const secret of [INTROSPECT_SECRET, ODD_SECRET, UMLAUT_SECRET]) {
      const members = { client_id: 'orders', client_secret: secret };
      expect((await post(members)).body.active).toBe(true);
      const json = await server.post('/auth/introspect', { token: user.accessToken, ...members });
      expect(json.body.active).toBe(true);
    }
    const wrong = await post({ client_id: 'orders', client_secret: `${INTROSPECT_SECRET}x` });
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client']);
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic /);
    // RFC 6749 §2.3.1: never in the request URI.
    const query = new URLSearchParams({ client_id: 'orders', client_secret: INTROSPECT_SECRET });
    expect((await server.post(`/introspect?${query}`, { token: user.accessToken })).status).toBe(401);
    const assertion = await post({ client_assertion: 'a.b.c', client_assertion_type: 'urn:x' });
    expect([assertion.status, assertion.body.error]).toEqual([401, 'invalid_client']);
    // A client id is no authentication, and an empty parameter counts as omitted (RFC 6749 §3.2).
    const bearer = { authorization: `Bearer ${INTROSPECT_SECRET}` };
    expect((await post({ client_id: 'orders' }, bearer)).body.active).toBe(true);
    expect((await post({ client_secret: '' }, bearer)).body.active).toBe(true);
    expect((await post({ client_id: 'orders' })).body.error).toBe('unauthorized');
  });
  it('refuses more than one method of authentication in a request (RFC 6749 §2.3)', async () => {
    const twice = (authorization: string, members: Record<string, string>) =>
      server.request('/introspect', {
        method: 'POST',
        raw: new URLSearchParams({ token: user.accessToken, ...members }).toString(),
        headers: { 'content-type': FORM, authorization },
      });
    const post = { client_id: 'orders', client_secret: INTROSPECT_SECRET };
    for (const answer of [
      await twice(`Bearer ${INTROSPECT_SECRET}`, post),
      await twice(basic(`orders:${INTROSPECT_SECRET}`), post),
      await twice(`Bearer ${INTROSPECT_SECRET}`, { client_assertion: 'a.b.c' }),
      await rawPost(server, [
        `Authorization: Bearer ${INTROSPECT_SECRET}`,
        `Authorization: ${basic(`orders:${INTROSPECT_SECRET}`)}`,
      ]),
    ]) {
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
    }
  });
  it('authenticates readers of the revocations in the same way', async () => {
    const read = (authorization?: string) =>
      server.request('/revocations', { headers: { ...(authorization && { authorization }) } });
    expect((await read(basic(`orders:${encodeURIComponent(ODD_SECRET)}`))).status).toBe(200);
    expect((await read()).body.error).toBe('unauthorized');
    const wrong = await read(basic('orders:wrong'));
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client']);
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic /);
  });
  it.each(['nonsense', 'a.b.c', 'x'.repeat(20_000), '\u0000'])(
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
  it('answers 400 invalid_request without a token, or with a parameter twice (RFC 6749 §3.2)', async () => {
    const authorization = `Bearer ${INTROSPECT_SECRET}`;
    const post = (contentType: string | undefined, raw: string) =>
      server.request('/introspect', {
        method: 'POST',
        raw,
        headers: { 'content-type': contentType, authorization },
      });
    const { accessToken } = await server.signUp();
    for (const [contentType, raw] of [
      [undefined, ''],
      [FORM, ''],
      [FORM, 'a=b'],
      [FORM, 'token='],
      [FORM, `token=${accessToken}&token=${accessToken}`],
      [FORM, `token=${accessToken}&token_type_hint=access_token&token_type_hint=access_token`],
      [FORM, `token=${accessToken}&client_secret=a&client_secret=b`],
      [FORM, `token[a]=${accessToken}`],
      ['application/json', '{}'],
      ['application/json', '[]'],
      ['application/json', '{"token":7}'],
      ['application/json', '{"token":""}'],
      ['application/json', '{"token":["a"]}'],
    ] as const) {
      const { status, body } = await post(contentType, raw);
      expect([raw, status, body.error]).toEqual([raw, 400, 'invalid_request']);
    }
    expect((await post('text/plain', `token=${accessToken}`)).status).toBe(415);
    expect((await post('application/json', 'null')).status).toBe(400);
    for (const raw of ['{"token":', 'token=a'])
      expect((await post('application/json', raw)).body.error).toBe('invalid_json');
    // RFC 7662 §2.1: the hint may be ignored, and unknown parameters are.
    for (const hint of ['access_token', 'refresh_token', 'nonsense'])
      expect((await post(FORM, `token=${accessToken}&token_type_hint=${hint}&x=1`)).body.active).toBe(true);
  });
  it('is good for introspection and the feed of revocations, and for no other route', async () => {
    const headers = { authorization: `Bearer ${INTROSPECT_SECRET}` };
    const routes = listRoutes(server.app).filter(({ access }) => access !== 'public');
    expect(routes.length).toBeGreaterThan(25);
    for (const { method, path } of routes) {
      const url = path.replace(/:\w+/g, user.id);
      const { status } = await server.request(url, {
        method,
        headers,
        ...(method !== 'GET' && { json: {} }),
      });
      expect([method, path, status]).toEqual([method, path, 401]);
    }
  });
  it('shows the account of a token as it is at the moment, with address and roles', async () => {
    const holder = await server.signUp();
    await server.authfort.updateUser(holder.id, { name: 'Ada', email: `ada-${holder.email}` });
    const { accessToken } = await loginOf(`ada-${holder.email}`);
    const { body } = await ask(`Bearer ${INTROSPECT_SECRET}`, accessToken);
    expect(body).toMatchObject({ sub: holder.id, email: `ada-${holder.email}`, name: 'Ada', roles: [] });
  });
  it('shows ids of sessions, users and keys in the feed, and nothing personal', async () => {
    const ended = await server.signUp();
    await server.post('/auth/logout', { refresh_token: ended.refreshToken });
    await server.authfort.banUser((await server.signUp()).id);
    const { body } = await server.request('/revocations', {
      headers: { authorization: `Bearer ${INTROSPECT_SECRET}` },
    });
    expect(body.revocations.length).toBeGreaterThanOrEqual(2);
    const members = new Set(body.revocations.flatMap((entry: object) => Object.keys(entry)));
    expect([...members].sort()).toEqual(['at', 'exp', 'sid', 'sub', 'ver']);
  });
  const loginOf = async (email: string) => ({
    accessToken: (await server.post('/auth/login', { email, password: PASSWORD })).body.tokens
      .access_token as string,
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

/** Sends header lines as they are; `fetch` would join two of one name. */
function rawPost(server: TestServer, lines: string[]): Promise<{ status: number; body: { error: string } }> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () =>
      socket.write(
        [
          'POST /introspect HTTP/1.1',
          `Host: ${hostname}`,
          'Connection: close',
          `Content-Type: ${FORM}`,
          'Content-Length: 9',
          ...lines,
          '',
          'token=abc',
        ].join('\r\n'),
      ),
    );
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () =>
      resolve({
        status: Number(text.slice(9, 12)),
        body: JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as { error: string },
      }),
    );
  });
}
