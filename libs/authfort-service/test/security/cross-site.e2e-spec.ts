import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { adapters, bearer, startService, type ServiceUnderTest } from '../harness.js';

const APP = 'https://app.example.com';

/** OWASP CSRF, ASVS 3.5: the access cookie is sent to every service of the domain, by whichever page asks for it. */
describe.each(adapters)('attack: another site uses the cookie, on %s', (adapter) => {
  let issuer: TestIssuer;
  let service: ServiceUnderTest;
  beforeAll(async () => {
    issuer = await createTestIssuer();
    service = await startService(issuer, {
      adapter,
      options: { cookieName: 'access_token', allowedOrigins: [APP] },
    });
  });
  afterAll(async () => {
    await service.close();
    await issuer.stop();
  });
  const post = async (headers: Record<string, string>, body?: string) => {
    const answer = await service.send(
      'POST',
      '/orders',
      { cookie: `access_token=${issuer.sign()}`, ...headers },
      body,
    );
    return answer.status === 200 ? 200 : answer.body.error;
  };

  it.each([
    'https://evil.example',
    'https://other.example.com',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'null',
    'nonsense',
  ])('refuses Origin: %s', async (origin) => expect(await post({ origin })).toBe('csrf_rejected'));
  it.each(['cross-site', 'same-site'])('refuses Sec-Fetch-Site: %s', async (site) =>
    expect(await post({ 'sec-fetch-site': site })).toBe('csrf_rejected'),
  );
  it.each(['text/plain', 'Text/Plain;charset=utf-8', 'application/x-www-form-urlencoded'])(
    'refuses %s',
    async (type) => expect(await post({ 'content-type': type }, 'a=1')).toBe('csrf_rejected'),
  );
  it('serves the listed origin, its own, and clients that are no browsers', async () => {
    expect(await post({ origin: APP, 'sec-fetch-site': 'same-site' })).toBe(200);
    expect(await post({ origin: service.url })).toBe(200);
    expect(await post({ origin: service.url, 'sec-fetch-site': 'cross-site' })).toBe('csrf_rejected');
    expect(await post({ 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await post({})).toBe(200);
  });
  it('does not take the other scheme of the host for its own', async () => {
    const origin = service.url.replace('http:', 'https:');
    expect(await post({ origin, 'sec-fetch-site': 'cross-site' })).toBe('csrf_rejected');
  });
  it('does not ask where a bearer token or a reading request comes from', async () => {
    const evil = { origin: 'https://evil.example' };
    expect((await service.send('POST', '/orders', { ...evil, ...bearer(issuer.sign()) })).status).toBe(200);
    expect((await service.get('/orders', { ...evil, cookie: `access_token=${issuer.sign()}` })).status).toBe(
      200,
    );
  });
});
