import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccessTokenVerifier } from 'authfort-service';
import { claimsOf, startServer, type TestServer } from '../harness.js';

describe('the state of an address', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ options: { claims: { email: false } } });
  });
  afterAll(() => server.close());

  it('is in the access token, in introspection and in the user of a request', async () => {
    const user = await server.signUp();
    expect(claimsOf(user.accessToken)).toMatchObject({ email_verified: false });
    expect((await server.introspect(user.accessToken)).body).toMatchObject({ email_verified: false });
    const verifier = server.app.get(AccessTokenVerifier);
    expect((await verifier.verify(user.accessToken)).emailVerified).toBe(false);
    await server.post('/auth/verify-email', { token: await server.tokenFor(user.email) });
    // The session goes on. Introspection has the present state, and so has the next token.
    expect((await server.introspect(user.accessToken)).body).toMatchObject({ email_verified: true });
    expect(await server.authfort.verifyToken(user.accessToken)).toMatchObject({ emailVerified: true });
    const { body } = await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    expect(claimsOf(body.tokens.access_token)).toMatchObject({ email_verified: true });
  });

  it('ends the access tokens that state more than is true', async () => {
    const user = await server.signUp();
    await server.authfort.updateUser(user.id, { emailVerified: true });
    const { body } = await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    const { access_token: bearer, refresh_token } = body.tokens;
    expect((await server.request('/auth/me', { bearer })).status).toBe(200);
    await server.authfort.updateUser(user.id, { email: `moved-${user.email}` });
    expect((await server.request('/auth/me', { bearer })).body.error).toBe('token_version_mismatch');
    const next = await server.post('/auth/refresh', { refresh_token });
    expect(claimsOf(next.body.tokens.access_token)).toMatchObject({ email_verified: false });
  });
});
