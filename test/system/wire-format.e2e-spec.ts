import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppProcess, killAll } from './app-process.js';
import { type Answer, logOut, newEmail, PASSWORD, post, request } from './client.js';
import { createSystemDatabase, type SystemDatabase } from './database.js';

const SECRET = 'introspection-secret-of-the-wire';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

interface AuthResponse {
  user: Record<string, unknown>;
  tokens: { access_token: string; refresh_token: string; expires_in: number };
}

let database: SystemDatabase;
let auth: string;

beforeAll(async () => {
  database = await createSystemDatabase();
  const server = await AppProcess.start('auth-server', {
    ...database.env,
    INTROSPECT_SECRET: SECRET,
    KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-wire',
  });
  auth = server.url;
}, 120_000);
afterAll(async () => {
  await killAll();
  await database?.close();
});

/** Every key of a user, with its type; toEqual takes neither a missing nor an additional one. */
function userShape(email: string, fields: Record<string, unknown> = {}) {
  return {
    id: expect.stringMatching(UUID),
    email,
    name: null,
    email_verified: false,
    avatar_url: null,
    phone: null,
    banned: false,
    is_deleted: false,
    deleted_at: null,
    roles: [],
    created_at: expect.stringMatching(UTC),
    session_id: expect.stringMatching(UUID),
    mfa_enabled: false,
    ...fields,
  };
}

const TOKENS = {
  access_token: expect.stringMatching(JWT),
  refresh_token: expect.stringMatching(/^[\w-]{43,}$/),
  expires_in: 900,
};

async function signUp(
  email = newEmail(),
  fields: object = {},
): Promise<{ answer: Answer; body: AuthResponse }> {
  const answer = await post(`${auth}/auth/signup`, { email, password: PASSWORD, ...fields });
  return { answer, body: answer.body as AuthResponse };
}

function cookiesOf({ headers }: Answer): string[] {
  return headers.getSetCookie();
}

/** `access_token=…; refresh_token=…`, as a browser would send them back. */
function cookieHeader(answer: Answer): string {
  return cookiesOf(answer)
    .map((line) => line.split(';')[0])
    .join('; ');
}

function expectPrivate({ headers }: Answer): void {
  expect(headers.get('cache-control')).toContain('no-store');
  expect(headers.get('content-type')).toMatch(/^application\/json/);
}

describe('a client of the Python AuthFort', () => {
  it('signs up: 201 and an AuthResponse', async () => {
    const email = newEmail();
    const fields = { name: 'Ada', phone: '+4912345678', avatar_url: 'https://example.com/ada.png' };
    const { answer, body } = await signUp(email, fields);
    expect(answer.status).toBe(201);
    expect(body).toEqual({ user: userShape(email, fields), tokens: TOKENS });
    expectPrivate(answer);
  });

  it('gets two cookies that differ in their reach', async () => {
    const lines = cookiesOf((await signUp()).answer);
    const attributes = (name: string) =>
      lines
        .find((line) => line.startsWith(`${name}=`))
        ?.split('; ')
        .slice(1)
        .filter((attribute) => !attribute.startsWith('Expires='))
        .sort();
    expect(lines).toHaveLength(2);
    expect(attributes('access_token')).toEqual([
      'HttpOnly',
      'Max-Age=900',
      'Path=/',
      'SameSite=Lax',
      'Secure',
    ]);
    expect(attributes('refresh_token')).toEqual([
      'HttpOnly',
      'Max-Age=2592000',
      'Path=/auth',
      'SameSite=Lax',
      'Secure',
    ]);
  });

  it('logs in: 200 and an AuthResponse of another session', async () => {
    const email = newEmail();
    const first = (await signUp(email)).body;
    const answer = await post(`${auth}/auth/login`, { email, password: PASSWORD });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ user: userShape(email, { id: first.user.id }), tokens: TOKENS });
    expect((answer.body as AuthResponse).user.session_id).not.toBe(first.user.session_id);
    expectPrivate(answer);
  });

  it.each(['body', 'cookie'])('refreshes by %s: 200, a new pair, the same session', async (by) => {
    const email = newEmail();
    const { answer: before, body } = await signUp(email);
    const answer =
      by === 'body'
        ? await post(`${auth}/auth/refresh`, { refresh_token: body.tokens.refresh_token })
        : await post(`${auth}/auth/refresh`, undefined, { cookie: cookieHeader(before) });
    expect(answer.status).toBe(200);
    const { id, session_id } = body.user;
    expect(answer.body).toEqual({ user: userShape(email, { id, session_id }), tokens: TOKENS });
    expect((answer.body as AuthResponse).tokens.refresh_token).not.toBe(body.tokens.refresh_token);
    expect(cookiesOf(answer)).toHaveLength(2);
    expectPrivate(answer);
  });

  it.each(['bearer', 'cookie'])('asks who it is by %s: 200 and a User', async (by) => {
    const email = newEmail();
    const { answer: before, body } = await signUp(email);
    const answer = await request(
      `${auth}/auth/me`,
      by === 'bearer' ? { bearer: body.tokens.access_token } : { cookie: cookieHeader(before) },
    );
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(body.user);
    expectPrivate(answer);
  });

  it.each(['body', 'cookie', 'unknown token', 'nothing'])(
    'logs out by %s: 204, cookies cleared',
    async (by) => {
      const { answer: before, body } = await signUp();
      const answer =
        by === 'cookie'
          ? await post(`${auth}/auth/logout`, undefined, { cookie: cookieHeader(before) })
          : by === 'nothing'
            ? await post(`${auth}/auth/logout`)
            : await logOut(auth, by === 'body' ? body.tokens.refresh_token : 'A'.repeat(43));
      expect([answer.status, answer.text]).toEqual([204, '']);
      expect(cookiesOf(answer).map((line) => line.split(';')[0])).toEqual(
        expect.arrayContaining(['access_token=', 'refresh_token=']),
      );
      for (const line of cookiesOf(answer)) expect(line).toMatch(/Max-Age=0|Expires=Thu, 01 Jan 1970/);
      const ended = by === 'body' || by === 'cookie';
      const me = await request(`${auth}/auth/me`, { bearer: body.tokens.access_token });
      expect(me.status).toBe(ended ? 401 : 200);
    },
  );

  it('reads the JWKS: public members only, and 304 with the ETag', async () => {
    const answer = await request(`${auth}/.well-known/jwks.json`);
    expect(answer.status).toBe(200);
    const base64url = expect.stringMatching(/^[\w-]+$/);
    const key = { kty: 'RSA', kid: base64url, use: 'sig', alg: 'RS256', n: base64url, e: 'AQAB' };
    // The current key and the next one, which is published before it signs.
    expect(answer.body).toEqual({ keys: [key, key] });
    expect(answer.headers.get('cache-control')).toMatch(/max-age=\d+/);
    const etag = answer.headers.get('etag') ?? '';
    const again = await request(`${auth}/.well-known/jwks.json`, { headers: { 'if-none-match': etag } });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  it('finds in the access token what the Python verifier needs', async () => {
    const email = newEmail();
    const { user, tokens } = (await signUp(email)).body;
    const [header, claims] = tokens.access_token
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>);
    expect(header).toEqual({ alg: 'RS256', kid: expect.any(String), typ: 'at+jwt' });
    expect(claims).toEqual({
      iss: 'authfort',
      sub: user.id,
      email,
      name: null,
      roles: [],
      ver: expect.any(Number),
      sid: user.session_id,
      jti: expect.any(String),
      mfa_enabled: false,
      iat: expect.any(Number),
      exp: (claims!.iat as number) + 900,
      amr: ['pwd'],
      auth_time: expect.any(Number),
    });
  });
});

describe('introspection', () => {
  it.each(['/introspect', '/auth/introspect'])('%s describes an active token', async (path) => {
    const email = newEmail();
    const { user, tokens } = (await signUp(email, { name: 'Ada' })).body;
    const expected = {
      active: true,
      sub: user.id,
      email,
      name: 'Ada',
      roles: [],
      token_version: expect.any(Number),
      exp: expect.any(Number),
      iat: expect.any(Number),
      iss: 'authfort',
      sid: user.session_id,
      jti: expect.any(String),
      token_type: 'Bearer',
    };
    const token = tokens.access_token;
    const basic = `Basic ${Buffer.from(`orders:${SECRET}`).toString('base64')}`;
    for (const answer of [
      await post(`${auth}${path}`, undefined, { form: { token }, bearer: SECRET }),
      await post(`${auth}${path}`, { token }, { bearer: SECRET }),
      await post(`${auth}${path}`, undefined, { form: { token }, headers: { authorization: basic } }),
    ]) {
      expect([answer.status, answer.body]).toEqual([200, expected]);
      expectPrivate(answer);
    }
  });

  it('says no more than inactive of any other token, and nothing without the secret', async () => {
    const { tokens } = (await signUp()).body;
    for (const token of ['nonsense', tokens.refresh_token, `${tokens.access_token}x`]) {
      const answer = await post(`${auth}/introspect`, undefined, { form: { token }, bearer: SECRET });
      expect([answer.status, answer.text]).toEqual([200, '{"active":false}']);
    }
    const form = { token: tokens.access_token };
    const refused = await post(`${auth}/introspect`, undefined, { form, bearer: 'x'.repeat(32) });
    expect(refused).toMatchObject({ status: 401, body: { statusCode: 401, error: 'unauthorized' } });
  });
});
