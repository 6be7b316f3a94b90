import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServiceAuthModule, type ServiceAuthOptions, ServiceAuthOptionsError } from 'authfort-service';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { bearer, OrdersController, startService } from '../harness.js';

describe('ServiceAuthModule', () => {
  let issuer: TestIssuer;
  beforeAll(async () => {
    issuer = await createTestIssuer();
  });
  afterAll(() => issuer.stop());

  it('starts from the URL of the JWKS alone, or from a factory', async () => {
    for (const auth of [
      ServiceAuthModule.forRoot(issuer.jwksUrl),
      ServiceAuthModule.forRootAsync({ useFactory: () => Promise.resolve({ jwksUrl: issuer.jwksUrl }) }),
    ]) {
      class AppModule {}
      Module({ imports: [auth], controllers: [OrdersController] })(AppModule);
      const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
      await app.listen(0, '127.0.0.1');
      const ask = async (headers: Record<string, string> = {}) =>
        (await fetch(`${await app.getUrl()}/orders`, { headers })).status;
      expect([await ask(), await ask(bearer(issuer.sign()))]).toEqual([401, 200]);
      await app.close();
    }
  });
  it('checks issuer and audience', async () => {
    const service = await startService(issuer, {
      options: { issuer: 'https://auth.example.com', audience: 'orders' },
    });
    const ask = async (claims: object) =>
      (await service.get('/orders', bearer(issuer.sign({ iss: 'https://auth.example.com', ...claims }))))
        .status;
    expect([await ask({ aud: 'orders' }), await ask({ aud: ['x', 'orders'] })]).toEqual([200, 200]);
    expect([
      await ask({}),
      await ask({ aud: 'billing' }),
      await ask({ aud: 'orders', iss: 'authfort' }),
    ]).toEqual([401, 401, 401]);
    await service.close();
  });
  it('lists every problem of its options at once, and no secret', () => {
    const options: Record<string, unknown> = {
      jwksUrl: 'ftp://auth',
      issuer: '',
      cookieName: 'a b',
      allowedOrigins: ['https://app.example.com/'],
      introspectSecret: 'hunter2',
      jwksCacheTtlSeconds: -1,
      revocations: {
        url: 'http://auth/revocations?since=1',
        secret: 'hunter2',
        whenStale: 'introspect',
        maxStaleSeconds: 1,
        maxEntries: 10,
        maxAge: 1,
      },
      surprise: true,
    };
    let caught: unknown;
    try {
      ServiceAuthModule.forRoot(options as unknown as ServiceAuthOptions);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ServiceAuthOptionsError);
    const { message } = caught as Error;
    for (const part of [
      'jwksUrl',
      'issuer',
      'cookieName',
      'allowedOrigins',
      'introspectSecret',
      'introspectUrl',
      'jwksCacheTtlSeconds',
      'surprise',
      'revocations.url',
      'revocations.secret',
      'revocations.whenStale',
      'revocations.maxStaleSeconds',
      'revocations.maxEntries',
      'maxAge',
    ]) {
      expect(message).toContain(part);
    }
    expect(message).not.toContain('hunter2');
  });
  it.each([
    ['jwksUrl', { jwksUrl: 'http://auth/jwks json' }],
    ['jwksUrl', { jwksUrl: ' http://auth/jwks.json' }],
    ['jwksUrl', { jwksUrl: 'http://user:hunter2@auth/jwks.json' }],
    ['cookieName', { cookieName: 'access;token' }],
    ['allowedOrigins.0', { allowedOrigins: ['*'] }],
    ['allowedOrigins.0', { allowedOrigins: ['https://*.example.com'] }],
    ['allowedOrigins.1', { allowedOrigins: ['capacitor://localhost', 'null'] }],
    ['allowedOrigins.0', { allowedOrigins: ['https://user:hunter2@app.example.com'] }],
    ['introspectSecret', { introspectUrl: 'http://auth/introspect', introspectSecret: 'x'.repeat(64) }],
    ['revocations.secret', { revocations: { url: 'http://auth/revocations', secret: '10'.repeat(16) } }],
  ])('names %s in the problems of %j', (problem, options) => {
    let caught: unknown;
    try {
      ServiceAuthModule.forRoot({ jwksUrl: issuer?.jwksUrl ?? 'http://auth/jwks.json', ...options });
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ServiceAuthOptionsError);
    const { problems } = caught as ServiceAuthOptionsError;
    expect(problems).toEqual([expect.stringMatching(`^${problem}: `)]);
    expect(problems.join()).not.toContain('hunter2');
  });
  it('wants a secret for the feed of revocations, and somebody to ask where it is to ask', () => {
    const [url, secret] = ['http://auth/revocations', 'sixteen characters'];
    const problemsOf = (options: Partial<ServiceAuthOptions>): readonly string[] => {
      try {
        ServiceAuthModule.forRoot({ jwksUrl: issuer.jwksUrl, ...options });
        return [];
      } catch (error) {
        return (error as ServiceAuthOptionsError).problems;
      }
    };
    expect(problemsOf({ revocations: { url } })).toEqual([expect.stringContaining('revocations.secret')]);
    expect(problemsOf({ revocations: { url, secret } })).toEqual([]);
    expect(problemsOf({ revocations: { url }, introspectSecret: secret })).toEqual([]);
    expect(problemsOf({ revocations: { url, secret, whenStale: 'introspect' } })).toEqual([
      expect.stringContaining('introspectUrl'),
    ]);
    expect(
      problemsOf({
        revocations: { url, whenStale: 'introspect' },
        introspectSecret: secret,
        introspectUrl: issuer.introspectUrl,
      }),
    ).toEqual([]);
    // fetch would repeat such a secret in its error.
    const broken = 'introspection\nsecret of two lines';
    const problems = problemsOf({ revocations: { url, secret: broken } });
    expect(problems).toEqual([expect.stringMatching(/^revocations\.secret: .*line breaks/)]);
    expect(problems.join()).not.toContain(broken);
    // An untyped caller's nonsense is a list of problems too.
    expect(problemsOf({ revocations: null as never })).not.toEqual([]);
    expect(problemsOf({ revocations: 'http://auth' as never })).not.toEqual([]);
  });
  it('answers 503 where introspection is asked for and not configured', async () => {
    const service = await startService(issuer, {
      options: { introspectUrl: undefined, introspectSecret: undefined },
    });
    const { status, body } = await service.send('POST', '/orders/7/refund', bearer(issuer.sign()));
    expect([status, body.error]).toEqual([503, 'introspection_unavailable']);
    await service.close();
  });
  it('keeps introspection results only when asked to, and never past the end of the token', async () => {
    const service = await startService(issuer, { options: { introspectCacheTtlSeconds: 60 } });
    const token = issuer.sign({ roles: ['clerk'] });
    const refund = async () => (await service.send('POST', '/orders/7/refund', bearer(token))).status;
    const before = issuer.requests.introspect;
    expect([await refund(), await refund()]).toEqual([200, 200]);
    expect(issuer.requests.introspect - before).toBe(1);
    issuer.revoke(token);
    expect(await refund()).toBe(200);
    service.clock.advance(61);
    expect(await refund()).toBe(401);
    await service.close();
  });
});
