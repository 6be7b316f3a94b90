import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { bearer, startService, type ServiceUnderTest } from '../harness.js';

/** RFC 9068 §2.2, RFC 7519 §4.1: what a service relies on has to be in the token, and to hold now. */
describe('attack: tokens with wrong claims at a service', () => {
  let issuer: TestIssuer;
  let service: ServiceUnderTest;
  beforeAll(async () => {
    issuer = await createTestIssuer();
    service = await startService(issuer);
  });
  afterAll(async () => {
    await service.close();
    await issuer.stop();
  });
  const codeFor = async (claims: Record<string, unknown>) => {
    const { status, body } = await service.get('/orders', bearer(issuer.sign(claims)));
    return status === 200 ? 200 : body.error;
  };
  const now = () => Math.floor(service.clock.now().getTime() / 1000);

  it.each(['iss', 'sub', 'exp', 'iat', 'ver', 'roles'])('refuses a token without %s', async (claim) => {
    expect(await codeFor({ [claim]: undefined })).toBe('token_invalid');
  });
  it.each([
    { sub: 7 },
    { sub: '' },
    { exp: 'tomorrow' },
    { exp: null },
    { exp: true },
    { iat: 'now' },
    { roles: 'admin' },
    { roles: [1] },
    { roles: { 0: 'admin' } },
    { ver: 1.5 },
    { ver: '0' },
    { email: {} },
    { sid: 7 },
    { mfa_enabled: 'yes' },
    { email_verified: 'true' },
    { email_verified: 1 },
    { nbf: 'later' },
    { iss: ['authfort'] },
  ])('refuses %j', async (claims) => expect(await codeFor(claims)).toBe('token_invalid'));
  it('works without the claims that an auth server may leave out', async () => {
    expect(
      await codeFor({
        email: undefined,
        name: undefined,
        sid: undefined,
        jti: undefined,
        mfa_enabled: undefined,
        email_verified: undefined,
      }),
    ).toBe(200);
  });
  it('goes by the clock, with five seconds of tolerance', async () => {
    expect(await codeFor({ exp: now() - 4 })).toBe(200);
    expect(await codeFor({ exp: now() - 6 })).toBe('token_expired');
    expect(await codeFor({ iat: now() + 4, nbf: now() + 4 })).toBe(200);
    expect(await codeFor({ iat: now() + 60 })).toBe('token_invalid');
    expect(await codeFor({ nbf: now() + 60 })).toBe('token_invalid');
    const token = issuer.sign();
    service.clock.advance(906);
    expect((await service.get('/orders', bearer(token))).body.error).toBe('token_expired');
  });
});
