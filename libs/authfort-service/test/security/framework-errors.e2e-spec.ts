import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { adapters, bearer, startService, type ServiceUnderTest } from '../harness.js';
import { overHttp1, overHttp2 } from '../raw-http.js';

/** OWASP ASVS 7.4.1: what is refused before the app sees it is answered like everything else, and repeats nothing. */
describe('attack: requests that never reach the app', () => {
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
  const send = async (request: string) => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.write(request);
    const [head, body] = (await text(socket)).split('\r\n\r\n');
    return { head: head!, body: JSON.parse(body!) as { statusCode: number; error: string } };
  };
  const host = 'Host: orders.example.com\r\nConnection: close\r\n';

  it.each([
    ['a URL that cannot be decoded', `GET /orders/%zz-echo-me HTTP/1.1\r\n${host}\r\n`, 400, 'bad_request'],
    [
      'a parameter that is too long',
      `GET /orders/${'echo-me'.repeat(200)} HTTP/1.1\r\n${host}\r\n`,
      404,
      'not_found',
    ],
    ['no HTTP', 'echo-me\r\n\r\n', 400, 'bad_request'],
    ['an unknown method', `ECHO-ME / HTTP/1.1\r\n${host}\r\n`, 400, 'bad_request'],
    [
      'headers that are too large',
      `GET / HTTP/1.1\r\n${host}X-Large: ${'echo-me'.repeat(4000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
  ])('answers %s with a code', async (_, request, status, code) => {
    const { head, body } = await send(request);
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect([body.statusCode, body.error]).toEqual([status, code]);
    expect(head + JSON.stringify(body)).not.toContain('echo-me');
  });
});

/** Many clients announce JSON on every request, also on those without a body. */
describe.each([...adapters, 'http2' as const])('JSON without a body, on %s', (adapter) => {
  let issuer: TestIssuer;
  let service: ServiceUnderTest;
  beforeAll(async () => {
    issuer = await createTestIssuer();
    service = await startService(
      issuer,
      adapter === 'http2' ? { adapter: 'fastify', http2: true } : { adapter },
    );
  });
  afterAll(async () => {
    await service.close();
    await issuer.stop();
  });
  const ask = (path: string, headers: Record<string, string> = {}, method = 'POST') =>
    (adapter === 'http2' ? overHttp2 : overHttp1)(service.url + path, {
      method,
      headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    });

  it.each<Record<string, string>>([{}, { 'content-length': '0' }])(
    'is no body for a route (%j)',
    async (headers) => {
      const { status } = await ask('/orders', { ...headers, ...bearer(issuer.sign()) });
      expect(status).toBe(200);
      expect((await ask('/orders/7', { ...headers, ...bearer(issuer.sign()) }, 'DELETE')).status).toBe(403);
    },
  );
  it('is refused by the guard as any other request is', async () => {
    const { status, error } = await ask('/orders');
    expect([status, error]).toEqual([401, 'token_missing']);
  });
  it('is 404 at an unknown route', async () => {
    for (const headers of [{}, { 'content-length': '0' }] as Record<string, string>[])
      expect((await ask('/unknown', headers)).error).toBe('not_found');
  });
});
