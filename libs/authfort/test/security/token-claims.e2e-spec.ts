import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { forge } from '../forge.js';
import { type SignedUp, startServer, type TestServer } from '../harness.js';

/** RFC 9068 §4, RFC 7519 §4.1: signed by us is not enough; the claims have to be there and have to hold. */
describe('attack: signed tokens with wrong claims', () => {
  let server: TestServer;
  let user: SignedUp;
  beforeAll(async () => {
    server = await startServer({ options: { algorithm: 'RS256', audience: 'https://api.example.com' } });
    user = await server.signUp();
  });
  afterAll(() => server.close());

  const now = () => Math.floor(server.clock.now().getTime() / 1000);
  const codeFor = async (claims: Record<string, unknown>) => {
    const token = forge(server, user.accessToken, { claims });
    expect((await server.introspect(token)).body).toEqual({ active: false });
    const { status, body } = await server.request('/auth/me', { bearer: token });
    return [status, body.error];
  };

  it.each(['iss', 'sub', 'exp', 'iat', 'ver', 'roles', 'sid', 'aud'])(
    'refuses a token without %s',
    async (claim) => {
      expect(await codeFor({ [claim]: undefined })).toEqual([401, 'token_invalid']);
    },
  );
  it.each([
    ['a foreign issuer', { iss: 'https://evil.example' }],
    ['a foreign audience', { aud: 'https://other.example.com' }],
    ['a subject that is no id', { sub: "' OR 1=1" }],
    ['a subject with U+0000', { sub: 'a\u0000b' }],
    ['a session that is no id', { sid: 'x' }],
    ['another session', { sid: '00000000-0000-4000-8000-000000000000' }],
    ['an exp that is no number', { exp: '9999999999' }],
    ['roles that are no list', { roles: 'admin' }],
    ['a version that is no number', { ver: '0' }],
  ])('refuses %s', async (_, claims) => {
    const [status, code] = await codeFor(claims);
    expect(status).toBe(401);
    expect(['token_invalid', 'session_revoked']).toContain(code);
  });
  it('refuses an expired token, and one from the future', async () => {
    expect(await codeFor({ exp: now() - 6 })).toEqual([401, 'token_expired']);
    expect(await codeFor({ iat: now() + 60 })).toEqual([401, 'token_invalid']);
    expect(await codeFor({ nbf: now() + 60 })).toEqual([401, 'token_invalid']);
  });
  it('refuses another version of the user', async () => {
    expect(await codeFor({ ver: 7 })).toEqual([401, 'token_version_mismatch']);
  });
  it('lets a token expire by the clock', async () => {
    const fresh = await server.signUp();
    server.clock.advance(899);
    expect((await server.request('/auth/me', { bearer: fresh.accessToken })).status).toBe(200);
    server.clock.advance(7);
    expect((await server.request('/auth/me', { bearer: fresh.accessToken })).body.error).toBe(
      'token_expired',
    );
  });
});
