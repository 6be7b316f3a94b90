import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adapters, type SignedUp, startServer, type TestServer } from '../harness.js';

/** RFC 6750 §2.3, §3: tokens travel in the header (or our cookie) and nowhere else; refusals say why in `WWW-Authenticate`. */
describe.each(adapters)('attack: tokens in the wrong place, on %s', (adapter) => {
  let server: TestServer;
  let user: SignedUp;
  beforeAll(async () => {
    server = await startServer({ adapter });
    user = await server.signUp();
  });
  afterAll(() => server.close());

  it('ignores a token in the query string', async () => {
    const answer = await server.request(`/auth/me?access_token=${user.accessToken}`);
    expect([answer.status, answer.body.error]).toEqual([401, 'token_missing']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="authfort"');
    expect(answer.text).not.toContain(user.accessToken);
  });
  it('ignores cookies on a bearer-only server', async () => {
    const answer = await server.request('/auth/me', { cookie: `access_token=${user.accessToken}` });
    expect(answer.body.error).toBe('token_missing');
    const refresh = await server.post('/auth/refresh', undefined, {
      cookie: `refresh_token=${user.refreshToken}`,
    });
    expect([refresh.status, refresh.body.error]).toEqual([401, 'refresh_token_missing']);
  });
  it('reads the scheme in any case', async () => {
    for (const scheme of ['bearer', 'BEARER', 'Bearer']) {
      const { status } = await server.request('/auth/me', {
        headers: { authorization: `${scheme} ${user.accessToken}` },
      });
      expect(status).toBe(200);
    }
  });
  it.each([
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer ..',
    'Bearer a.b.c',
    `Bearer ${'a'.repeat(6000)}.b.c`,
    'Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImFcdTAwMDBiIiwidHlwIjoiYXQrand0In0.e30.c2ln',
    'Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6e30sInR5cCI6ImF0K2p3dCJ9.e30.c2ln',
    'Basic dXNlcjpwYXNz',
  ])('answers 401 and never 500 to garbage: %.40s', async (authorization) => {
    const answer = await server.request('/auth/me', { headers: { authorization } });
    expect(answer.status).toBe(401);
    expect(['token_missing', 'token_invalid']).toContain(answer.body.error);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
  });
});
