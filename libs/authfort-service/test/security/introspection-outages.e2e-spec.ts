import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestIssuer, type TestIssuer, type TestIssuerHandler } from 'authfort-service/testing';
import { bearer, startService, type ServiceUnderTest } from '../harness.js';

const answer =
  (status: number, body: string, headers: Record<string, string> = {}): TestIssuerHandler =>
  (_, response) =>
    response.writeHead(status, headers).end(body);

/** RFC 7662 §4: what is not a clear yes is a no. */
describe('attack: the introspection endpoint is away or answers nonsense', () => {
  let issuer: TestIssuer;
  let service: ServiceUnderTest;
  beforeAll(async () => {
    issuer = await createTestIssuer();
    service = await startService(issuer, { options: { httpTimeoutSeconds: 2 } });
    expect((await service.get('/orders', bearer(issuer.sign()))).status).toBe(200);
  });
  afterAll(async () => {
    await service.close();
    await issuer.stop();
  });
  const refund = () => service.send('POST', '/orders/7/refund', bearer(issuer.sign({ roles: ['clerk'] })));

  it.each([
    ['a 500', answer(500, '{"active":true}')],
    ['a 401', answer(401, '{}')],
    ['HTML', answer(200, '<html>')],
    ['an empty object', answer(200, '{}')],
    ['only active', answer(200, '{"active":true}')],
    ['active as a text', answer(200, '{"active":"true","sub":"x"}')],
    ['a redirect', answer(307, '', { location: 'http://127.0.0.1:1/' })],
    ['a cut connection', (request) => void request.socket.destroy()],
    ['silence', () => undefined],
  ] as [string, TestIssuerHandler][])('denies with 503 when the answer is %s', async (_, handler) => {
    issuer.respondWith = handler;
    const { status, body, headers } = await refund();
    expect([status, body.error]).toEqual([503, 'introspection_unavailable']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    issuer.respondWith = undefined;
    expect((await refund()).status).toBe(200);
  });
  it('denies with 503 when nobody listens, and serves what needs no introspection', async () => {
    await issuer.stop();
    expect((await refund()).status).toBe(503);
    expect((await service.get('/orders', bearer(issuer.sign()))).status).toBe(200);
    await issuer.listen();
    expect((await refund()).status).toBe(200);
  });
});
