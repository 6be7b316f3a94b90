import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { adapters, bearer, startService, type ServiceUnderTest } from '../harness.js';
import { overHttp1, overHttp2 } from '../raw-http.js';

const APP = 'https://app.example.com';

/** OWASP CSRF, ASVS 3.5: the access cookie is sent to every service of the domain, by whichever page asks for it. */
describe.each(adapters)('attack: another site uses the cookie, on %s', (adapter) => {
  let issuer: TestIssuer;
  let service: ServiceUnderTest;
  beforeAll(async () => {
    issuer = await createTestIssuer();
    service = await startService(issuer, {
      adapter,
      options: {
        cookieName: 'access_token',
        allowedOrigins: [`${APP.toUpperCase()}.:443`, 'capacitor://localhost'],
      },
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
    'https://app.example.com:8443',
    'capacitor://other',
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
  it.each(['https://APP.example.com:443', 'https://app.example.com.', 'capacitor://localhost'])(
    'serves the listed origin as %s',
    async (origin) => expect(await post({ origin, 'sec-fetch-site': 'cross-site' })).toBe(200),
  );
  it.each([
    ['https://shop.example', 'shop.example:443', 200],
    ['http://shop.example', 'shop.example:80', 200],
    ['https://shop.example', 'SHOP.EXAMPLE', 200],
    ['https://shop.example', 'shop.example.', 200],
    ['https://xn--bcher-kva.example', 'xn--bcher-kva.example:443', 200],
    ['http://[::1]:8000', '[0:0:0:0:0:0:0:1]:8000', 200],
    ['https://shop.example:8443', 'shop.example', 403],
    ['https://shop.example', 'shop.example:8443', 403],
    ['https://shop.example.evil.example', 'shop.example', 403],
    ['capacitor://shop.example', 'shop.example', 403],
  ])('answers a page of %s at the host %s with %d', async (origin, host, expected) => {
    const headers = { cookie: `access_token=${issuer.sign()}`, origin, host };
    expect((await overHttp1(`${service.url}/orders`, { headers })).status).toBe(expected);
  });
});

describe('attack: another site uses the cookie, over HTTP/2', () => {
  let issuer: TestIssuer;
  let service: ServiceUnderTest;
  beforeAll(async () => {
    issuer = await createTestIssuer();
    service = await startService(issuer, {
      adapter: 'fastify',
      http2: true,
      options: { cookieName: 'access_token', allowedOrigins: [APP] },
    });
  });
  afterAll(async () => {
    await service.close();
    await issuer.stop();
  });
  it.each([
    ['https://shop.example', 'shop.example', 200],
    ['https://shop.example', 'shop.example:443', 200],
    [APP, 'shop.example', 200],
    ['https://evil.example', 'shop.example', 403],
    ['https://shop.example:8443', 'shop.example', 403],
    ['null', 'shop.example', 403],
  ])('answers a page of %s at the authority %s with %d', async (origin, authority, expected) => {
    const headers = { cookie: `access_token=${issuer.sign()}`, origin, ':authority': authority };
    const { status } = await overHttp2(`${service.url}/orders`, { headers });
    expect(status).toBe(expected);
  });
  it('refuses a Host that differs from :authority', async () => {
    const headers = { cookie: `access_token=${issuer.sign()}`, origin: 'https://evil.example' };
    const { error } = await overHttp2(`${service.url}/orders`, {
      headers: { ...headers, ':authority': 'shop.example', host: 'evil.example' },
    });
    expect(error).toBe('csrf_rejected');
  });
});
