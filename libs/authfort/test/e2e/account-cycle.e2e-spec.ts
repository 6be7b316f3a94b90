import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adapters, claimsOf, headerOf, PASSWORD, startServer, type TestServer } from '../harness.js';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

describe.each(adapters)('the account cycle on %s', (adapter) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ adapter, options: { algorithm: 'RS256' } });
  });
  afterAll(() => server.close());

  it('signs up: 201, the wire format of the contract, no cookie on a bearer-only server', async () => {
    const answer = await server.post('/auth/signup', {
      email: '  Ada@Example.COM ',
      password: PASSWORD,
      name: 'Ada',
      avatar_url: 'https://example.com/ada.png',
      phone: '+44 20 7946 0000',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.setCookies).toEqual([]);
    expect(Object.keys(answer.body)).toEqual(['user', 'tokens']);
    expect(answer.body.user).toEqual({
      id: expect.stringMatching(UUID),
      email: 'ada@example.com',
      name: 'Ada',
      email_verified: false,
      avatar_url: 'https://example.com/ada.png',
      phone: '+44 20 7946 0000',
      banned: false,
      is_deleted: false,
      deleted_at: null,
      roles: [],
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      session_id: expect.stringMatching(UUID),
      mfa_enabled: false,
    });
    expect(answer.body.tokens).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.stringMatching(/^[\w-]{43}$/),
      expires_in: 900,
    });
  });

  it('puts the claims of the contract into the access token', async () => {
    const user = await server.signUp();
    const now = Math.floor(server.clock.now().getTime() / 1000);
    expect(headerOf(user.accessToken)).toEqual({ alg: 'RS256', kid: expect.any(String), typ: 'at+jwt' });
    expect(claimsOf(user.accessToken)).toEqual({
      iss: 'authfort',
      sub: user.id,
      email: user.email,
      name: null,
      roles: [],
      ver: 0,
      sid: user.sessionId,
      jti: expect.stringMatching(UUID),
      mfa_enabled: false,
      email_verified: false,
      client_id: 'authfort',
      acr: 'urn:authfort:acr:1fa',
      amr: ['pwd'],
      auth_time: now,
      iat: now,
      exp: now + 900,
    });
  });

  it('refuses a second account for an address, however it is written', async () => {
    const { email } = await server.signUp();
    const answer = await server.post('/auth/signup', { email: email.toUpperCase(), password: PASSWORD });
    expect(answer.status).toBe(409);
    expect(answer.body).toEqual({ statusCode: 409, error: 'user_exists', message: expect.any(String) });
  });

  it('signs in, says who is there, refreshes, signs out', async () => {
    const { email } = await server.signUp();
    const login = await server.post('/auth/login', { email, password: PASSWORD });
    expect(login.status).toBe(200);
    const me = await server.request('/auth/me', { bearer: login.body.tokens.access_token });
    expect(me.status).toBe(200);
    expect(me.headers.get('cache-control')).toBe('no-store');
    expect(me.body).toEqual(login.body.user);

    const refreshed = await server.post('/auth/refresh', { refresh_token: login.body.tokens.refresh_token });
    expect(refreshed.status).toBe(200);
    expect(refreshed.body.user.session_id).toBe(login.body.user.session_id);
    expect(refreshed.body.tokens.refresh_token).not.toBe(login.body.tokens.refresh_token);

    const logout = await server.post('/auth/logout', { refresh_token: refreshed.body.tokens.refresh_token });
    expect([logout.status, logout.text]).toEqual([204, '']);
    const after = await server.request('/auth/me', { bearer: refreshed.body.tokens.access_token });
    expect([after.status, after.body.error]).toEqual([401, 'session_revoked']);
    const again = await server.post('/auth/refresh', { refresh_token: refreshed.body.tokens.refresh_token });
    expect([again.status, again.body.error]).toEqual([401, 'refresh_token_revoked']);
  });

  it('answers 204 to a logout with no token, an unknown token and a spent one', async () => {
    const { refreshToken } = await server.signUp();
    for (const body of [
      undefined,
      {},
      { refresh_token: 'x'.repeat(43) },
      { refresh_token: 'nonsense' },
      { refresh_token: refreshToken },
    ]) {
      expect((await server.post('/auth/logout', body)).status).toBe(204);
    }
    expect((await server.post('/auth/logout', { refresh_token: refreshToken })).status).toBe(204);
  });

  it('signs out with nothing but the access token', async () => {
    const { accessToken } = await server.signUp();
    expect((await server.post('/auth/logout', undefined, { bearer: accessToken })).status).toBe(204);
    expect((await server.request('/auth/me', { bearer: accessToken })).status).toBe(401);
  });

  it('signs out of the session of the access token, also beside a refresh token that it does not know', async () => {
    const { accessToken } = await server.signUp();
    await server.post('/auth/logout', { refresh_token: 'x'.repeat(43) }, { bearer: accessToken });
    expect((await server.request('/auth/me', { bearer: accessToken })).body.error).toBe('session_revoked');
  });

  it('publishes its keys with ETag, 304 and max-age', async () => {
    const first = await server.request('/.well-known/jwks.json');
    expect(first.status).toBe(200);
    expect(first.headers.get('cache-control')).toBe('public, max-age=60');
    expect(first.headers.get('content-type')).toMatch(/^application\/json/);
    expect(first.body.keys).toHaveLength(2);
    for (const key of first.body.keys)
      expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    const etag = first.headers.get('etag')!;
    const second = await server.request('/.well-known/jwks.json', { headers: { 'if-none-match': etag } });
    expect([second.status, second.text, second.headers.get('etag')]).toEqual([304, '', etag]);
  });

  it('has no discovery document while the issuer is no URL', async () => {
    expect((await server.request('/.well-known/oauth-authorization-server')).status).toBe(404);
  });

  it('introspects by form and JSON, with Bearer and Basic, at both addresses', async () => {
    const user = await server.signUp();
    const basic = `Basic ${Buffer.from('orders:introspection-secret-of-the-tests').toString('base64')}`;
    const json = await server.post(
      '/auth/introspect',
      { token: user.accessToken },
      { headers: { authorization: basic } },
    );
    const form = await server.introspect(user.accessToken);
    expect(form.body).toEqual(json.body);
    expect(form.headers.get('cache-control')).toBe('no-store');
    const { exp, iat, jti, auth_time } = claimsOf(user.accessToken);
    expect(form.body).toEqual({
      active: true,
      sub: user.id,
      email: user.email,
      email_verified: false,
      roles: [],
      token_version: 0,
      exp,
      iat,
      iss: 'authfort',
      sid: user.sessionId,
      jti,
      client_id: 'authfort',
      acr: 'urn:authfort:acr:1fa',
      auth_time,
      token_type: 'Bearer',
    });
  });

  it('is alive and ready', async () => {
    expect((await server.request('/health/live')).body).toEqual({ status: 'ok' });
    const ready = await server.request('/health/ready');
    expect([ready.status, ready.body]).toEqual([
      200,
      { status: 'ok', checks: { database: true, keys: true } },
    ]);
  });
});
