import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listRoutes, ServiceAuth } from 'authfort-service';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import {
  adapters,
  bearer,
  FailingController,
  OverridingController,
  startService,
  type ServiceUnderTest,
  WrappedController,
} from '../harness.js';

describe.each(adapters)('a guarded service on %s', (adapter) => {
  let issuer: TestIssuer;
  let service: ServiceUnderTest;
  beforeAll(async () => {
    issuer = await createTestIssuer();
    service = await startService(issuer, { adapter, options: { cookieName: 'access_token' } });
  });
  afterAll(async () => {
    await service.close();
    await issuer.stop();
  });

  it('gives the controller the user of the token', async () => {
    const sub = 'e6f7cf32-9a4b-4b43-8a5a-0c2f4c8e7f10';
    const { status, body } = await service.get(
      '/orders',
      bearer(issuer.sign({ sub, roles: ['a'], ver: 3, mfa_enabled: true, email_verified: true })),
    );
    expect(status).toBe(200);
    expect(body).toEqual({
      sub,
      email: 'user@example.com',
      name: 'Test User',
      roles: ['a'],
      tokenVersion: 3,
      sessionId: expect.any(String),
      mfaEnabled: true,
      emailVerified: true,
      exp: expect.any(Number),
      iat: expect.any(Number),
      iss: 'authfort',
      claims: expect.objectContaining({ sub, jti: expect.any(String) }),
    });
    expect((await service.get('/orders/mine', bearer(issuer.sign({ sub })))).body).toEqual({ sub });
  });
  it('is closed unless @Public(), and asks for a token where a user is asked for', async () => {
    for (const path of ['/orders', '/orders/mine', '/orders/plain', '/open/me', '/staff']) {
      const { status, body, headers } = await service.get(path);
      expect([path, status, body]).toEqual([
        path,
        401,
        { statusCode: 401, error: 'token_missing', message: expect.any(String) },
      ]);
      expect(headers.get('www-authenticate')).toBe('Bearer realm="authfort"');
      expect(headers.get('cache-control')).toBe('no-store');
    }
    expect((await service.get('/orders/health')).text).toBe('fine');
    expect((await service.get('/open')).text).toBe('open');
  });
  it('asks for any of the roles; a method’s roles stand over the class’s', async () => {
    const remove = async (...roles: string[]) =>
      (await service.send('DELETE', '/orders/7', bearer(issuer.sign({ roles })))).status;
    expect([
      await remove(),
      await remove('clerk'),
      await remove('manager'),
      await remove('x', 'admin'),
    ]).toEqual([403, 403, 200, 200]);
    const staff = async (path: string, ...roles: string[]) =>
      (await service.get(path, bearer(issuer.sign({ roles })))).status;
    expect([
      await staff('/staff', 'staff'),
      await staff('/staff', 'boss'),
      await staff('/staff/boss', 'boss'),
      await staff('/staff/boss', 'staff'),
    ]).toEqual([200, 403, 200, 403]);
  });
  it('answers 403 as RFC 6750 says', async () => {
    const { status, body, headers } = await service.send('DELETE', '/orders/7', bearer(issuer.sign()));
    expect([status, body.error]).toEqual([403, 'insufficient_role']);
    expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"');
  });
  it('reads the cookie, and lets a header win over it', async () => {
    const [inCookie, inHeader] = [issuer.sign(), issuer.sign()];
    expect((await service.get('/orders', { cookie: `other=1; access_token=${inCookie}` })).status).toBe(200);
    const both = await service.get('/orders', { cookie: `access_token=${inCookie}`, ...bearer(inHeader) });
    expect(both.body.claims.jti).toBe(
      JSON.parse(Buffer.from(inHeader.split('.')[1]!, 'base64url').toString()).jti,
    );
    expect(
      (await service.get('/orders', { cookie: `access_token=${inCookie}`, ...bearer('nonsense') })).status,
    ).toBe(401);
  });
  it('introspects: fresh roles, and a revoked token is refused at once', async () => {
    const token = issuer.sign({ sub: 'someone', roles: ['nobody'] });
    const refund = () => service.send('POST', '/orders/7/refund', bearer(token));
    expect((await refund()).status).toBe(403);
    issuer.introspected.set('someone', { roles: ['clerk'] });
    expect((await refund()).body).toEqual({ roles: ['clerk'] });
    issuer.introspected.set('someone', { sub: 'somebody else', roles: ['clerk'] });
    expect((await refund()).status).toBe(401);
    issuer.introspected.set('someone', { roles: ['clerk'] });
    issuer.revoke(token);
    const { status, body, headers } = await refund();
    expect([status, body.error]).toEqual([401, 'session_revoked']);
    expect(headers.get('www-authenticate')).toContain('invalid_token');
    expect((await service.get('/orders', bearer(token))).status).toBe(200);
  });
  it('registers the strategy with Passport, for AuthGuard(authfort)', async () => {
    expect((await service.get('/passport', bearer(issuer.sign()))).text).toBe('passport');
    expect((await service.get('/passport')).status).toBe(401);
    expect((await service.get('/passport', bearer(issuer.sign({ exp: 1 })))).status).toBe(401);
  });
  it('verifies and introspects by hand', async () => {
    const auth = service.app.get(ServiceAuth);
    const token = issuer.sign({ sub: 'by hand' });
    expect(await auth.verifyToken(token)).toMatchObject({ sub: 'by hand' });
    await expect(auth.verifyToken('nonsense')).rejects.toMatchObject({
      code: 'token_invalid',
      statusCode: 401,
    });
    expect(await auth.introspect(token)).toMatchObject({
      active: true,
      sub: 'by hand',
      tokenVersion: 0,
      tokenType: 'Bearer',
    });
    issuer.revoke(token);
    expect(await auth.introspect(token)).toEqual({ active: false });
    expect(await auth.ready()).toBe(true);
  });
  it('lists its routes with their access', () => {
    const routes = listRoutes(service.app).map(({ method, path, access, roles, introspect }) =>
      [method, path, access, ...roles, ...(introspect ? ['introspect'] : [])].join(' '),
    );
    expect(routes).toEqual([
      'GET /open public',
      'GET /open/me guarded',
      'GET /orders guarded',
      'POST /orders guarded',
      'DELETE /orders/:id guarded admin manager',
      'POST /orders/:id/refund guarded clerk introspect',
      'GET /orders/health public',
      'GET /orders/mine guarded',
      'GET /orders/plain guarded',
      'GET /passport guarded',
      'GET /staff guarded staff',
      'GET /staff/boss guarded boss',
    ]);
  });
  it('answers errors with codes and echoes nothing', async () => {
    const token = issuer.sign();
    const json = { ...bearer(token), 'content-type': 'application/json' };
    const malformed = await service.send('POST', '/orders', json, '{"a": echo-me');
    expect([malformed.status, malformed.body.error]).toEqual([400, 'invalid_json']);
    const unknown = await service.get('/echo-me', bearer(token));
    expect([unknown.status, unknown.body.error]).toEqual([404, 'not_found']);
    expect(malformed.text + unknown.text).not.toContain('echo-me');
  });
  it('answers rightly without the filter too', async () => {
    const bare = await startService(issuer, { adapter, filter: false });
    const { status, body, headers } = await bare.get('/orders');
    expect([status, body]).toEqual([
      401,
      { statusCode: 401, error: 'token_missing', message: expect.any(String) },
    ]);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="authfort"');
    await bare.close();
  });
  it.each(['/wrapped', '/overriding'])('guards %s, whose method is not the decorated one', async (path) => {
    const decorated = await startService(issuer, {
      adapter,
      options: { guard: 'decorated' },
      controllers: [WrappedController, OverridingController],
    });
    const { status, body } = await decorated.get(path);
    expect([status, body.error]).toEqual([401, 'token_missing']);
    expect((await decorated.get(path, bearer(issuer.sign()))).status).toBe(200);
    expect(listRoutes(decorated.app, 'decorated').map(({ access }) => access)).toEqual([
      'guarded',
      'guarded',
    ]);
    await decorated.close();
  });
  it('takes no error of the app’s own code for the client’s', async () => {
    const failing = await startService(issuer, { adapter, controllers: [FailingController] });
    for (const path of ['/failing/syntax', '/failing/upstream']) {
      const { status, body, text } = await failing.get(path);
      expect([status, body.error]).toEqual([500, 'internal_error']);
      expect(text).not.toContain('echo-me');
    }
    await failing.close();
  });
  it('guards only what is decorated, when asked to', async () => {
    const decorated = await startService(issuer, { adapter, options: { guard: 'decorated' } });
    const status = async (path: string) => (await decorated.get(path)).status;
    expect([
      await status('/orders/plain'),
      await status('/orders'),
      await status('/orders/mine'),
      await status('/staff'),
    ]).toEqual([200, 401, 401, 401]);
    expect((await decorated.send('DELETE', '/orders/7')).status).toBe(401);
    expect((await decorated.send('POST', '/orders/7/refund')).status).toBe(401);
    await decorated.close();
  });
});
