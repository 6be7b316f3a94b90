import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppProcess, killAll } from './app-process.js';
import { newEmail, post, request } from './client.js';
import { createSystemDatabase, type SystemDatabase } from './database.js';
import { expectPrivate, signUpRaw } from './wire-shapes.js';

const SECRET = 'introspection-secret-of-the-wire';

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

describe('keys and tokens', () => {
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
    const { user, tokens } = (await signUpRaw(auth, email)).body;
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
      email_verified: false,
      iat: expect.any(Number),
      exp: (claims!.iat as number) + 900,
      client_id: 'authfort',
      acr: 'urn:authfort:acr:1fa',
      amr: ['pwd'],
      auth_time: expect.any(Number),
    });
  });
});

describe('introspection', () => {
  it.each(['/introspect', '/auth/introspect'])('%s describes an active token', async (path) => {
    const email = newEmail();
    const { user, tokens } = (await signUpRaw(auth, email, { name: 'Ada' })).body;
    const expected = {
      active: true,
      sub: user.id,
      email,
      email_verified: false,
      name: 'Ada',
      roles: [],
      token_version: expect.any(Number),
      exp: expect.any(Number),
      iat: expect.any(Number),
      iss: 'authfort',
      sid: user.session_id,
      jti: expect.any(String),
      client_id: 'authfort',
      acr: 'urn:authfort:acr:1fa',
      auth_time: expect.any(Number),
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
    const { tokens } = (await signUpRaw(auth)).body;
    for (const token of ['nonsense', tokens.refresh_token, `${tokens.access_token}x`]) {
      const answer = await post(`${auth}/introspect`, undefined, { form: { token }, bearer: SECRET });
      expect([answer.status, answer.text]).toEqual([200, '{"active":false}']);
    }
    const form = { token: tokens.access_token };
    const refused = await post(`${auth}/introspect`, undefined, { form, bearer: 'x'.repeat(32) });
    expect(refused).toMatchObject({ status: 401, body: { statusCode: 401, error: 'invalid_client' } });
  });
});
