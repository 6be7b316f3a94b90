import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServiceAuth } from 'authfort-service';
import { createTestIssuer, type TestIssuer, type TestIssuerHandler } from 'authfort-service/testing';
import { bearer, startService, type ServiceUnderTest } from '../harness.js';

/** Keys that cannot be had are no reason to refuse users (401), nor to trust strangers; and they come back without a restart. */
describe('attack: the JWKS is away, wrong, or asked for too often', () => {
  let issuer: TestIssuer;
  let service: ServiceUnderTest;
  beforeEach(async () => {
    // Keys are made in nearly every test.
    issuer = await createTestIssuer({ algorithm: 'ES256' });
    service = await startService(issuer);
  });
  afterEach(async () => {
    await service.close();
    await issuer.stop();
  });
  const ask = async (token: string) => {
    const { status, body } = await service.get('/orders', bearer(token));
    return status === 200 ? 200 : body.error;
  };
  const longLived = () => issuer.sign({ exp: Math.floor(Date.now() / 1000) + 400_000 });

  it('keeps known keys for a day, and answers 503, not 401, to unknown ones', async () => {
    const token = longLived();
    expect(await ask(token)).toBe(200);
    await issuer.stop();
    for (const seconds of [0, 299, 2, 1800, 3600, 40_000, 40_000]) {
      service.clock.advance(seconds);
      expect(await ask(token)).toBe(200);
    }
    issuer.rotate();
    expect(await ask(longLived())).toBe('keys_unavailable');
    service.clock.advance(1000);
    expect(await ask(token)).toBe('keys_unavailable');
    await issuer.listen();
    service.clock.advance(6);
    expect(await ask(token)).toBe(200);
  });
  it('answers 503 with Retry-After when it starts without keys, and recovers', async () => {
    await issuer.stop();
    const early = await startService(issuer);
    const { status, body, headers } = await early.get('/orders', bearer(issuer.sign()));
    expect([status, body.error, headers.get('retry-after')]).toEqual([503, 'keys_unavailable', '5']);
    const byPassport = await early.get('/passport', bearer(issuer.sign()));
    expect([byPassport.status, byPassport.body.error]).toEqual([503, 'keys_unavailable']);
    await issuer.listen();
    early.clock.advance(6);
    expect((await early.get('/orders', bearer(issuer.sign()))).status).toBe(200);
    await early.close();
  });
  it('stops trusting a key that left the JWKS within the cache time, also after an idle time', async () => {
    const [old, token] = [issuer.currentKey.kid, longLived()];
    expect(await ask(token)).toBe(200);
    issuer.rotate();
    issuer.removeKey(old);
    service.clock.advance(301);
    expect(await ask(token)).toBe('token_invalid');
  });
  it('renews the keys ahead of time, without a request that waits', async () => {
    const token = longLived();
    expect(await ask(token)).toBe(200);
    service.clock.advance(250);
    const before = issuer.requests.jwks;
    expect(await ask(token)).toBe(200);
    while (issuer.requests.jwks === before) await ask(token);
    await issuer.stop();
    service.clock.advance(290);
    expect(await ask(token)).toBe(200);
    expect(issuer.requests.jwks).toBe(before + 1);
  });
  it('asks once per cool-down for 10 000 invented kids, and still finds a real new one', async () => {
    expect(await ask(issuer.sign())).toBe(200);
    service.clock.advance(10);
    const [before, startedAt] = [issuer.requests.jwks, performance.now()];
    const auth = service.app.get(ServiceAuth);
    // The kid is looked for before the signature is, so one signature serves all.
    const [, claims, signature] = issuer.sign().split('.');
    const invented = (n: number) => {
      const header = JSON.stringify({ alg: 'ES256', kid: `invented-${n}`, typ: 'at+jwt' });
      return `${Buffer.from(header).toString('base64url')}.${claims}.${signature}`;
    };
    for (let batch = 0; batch < 100; batch += 1) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          auth.verifyToken(invented(batch * 100 + n)).catch(({ code }: { code: string }) => code),
        ),
      );
      expect(new Set(answers)).toEqual(new Set(['token_invalid']));
    }
    // The clock runs on meanwhile: one fetch at the start, and one for each cool-down of 5 s that has passed.
    const cooldowns = Math.ceil((performance.now() - startedAt) / 5000);
    expect(issuer.requests.jwks - before).toBeLessThanOrEqual(1 + cooldowns);
    issuer.rotate();
    service.clock.advance(6);
    expect(await ask(issuer.sign())).toBe(200);
  }, 60_000);
  it('stays in service when the cache time is shorter than the cool-down', async () => {
    const brief = await startService(issuer, { options: { jwksCacheTtlSeconds: 2 } });
    const token = longLived();
    for (let second = 0; second < 20; second += 1) {
      expect((await brief.get('/orders', bearer(token))).status).toBe(200);
      brief.clock.advance(1);
    }
    await brief.close();
  });
  it('asks once per cool-down on behalf of unknown kids, also when the cache time is shorter', async () => {
    const stranger = await createTestIssuer({ algorithm: 'ES256' });
    const startedAt = performance.now();
    const brief = await startService(issuer, { options: { jwksCacheTtlSeconds: 4 } });
    expect((await brief.get('/orders', bearer(issuer.sign()))).status).toBe(200);
    const before = issuer.requests.jwks;
    for (let tenth = 0; tenth < 20; tenth += 1) {
      brief.clock.advance(0.1);
      expect((await brief.get('/orders', bearer(stranger.sign()))).status).toBe(401);
    }
    // The clock runs on meanwhile: on a laden machine the keys are refreshed ahead of time.
    const seconds = 2 + (performance.now() - startedAt) / 1000;
    expect(issuer.requests.jwks - before).toBeLessThanOrEqual(Math.floor(seconds / 3));
    await stranger.stop();
    await brief.close();
  });
  it('asks again after an idle time, although the last attempt had failed', async () => {
    const [old, token] = [issuer.currentKey.kid, longLived()];
    expect(await ask(token)).toBe(200);
    await issuer.stop();
    service.clock.advance(301);
    expect(await ask(token)).toBe(200);
    issuer.rotate();
    issuer.removeKey(old);
    await issuer.listen();
    service.clock.advance(3600);
    expect(await ask(token)).toBe('token_invalid');
  });
  it('does not go on trusting a removed key because the clock was set back', async () => {
    // Issued long ago, so that it is not refused as one of the future.
    const now = Math.floor(Date.now() / 1000);
    const [old, token] = [issuer.currentKey.kid, issuer.sign({ iat: now - 600, exp: now + 600 })];
    expect(await ask(token)).toBe(200);
    issuer.rotate();
    issuer.removeKey(old);
    service.clock.advance(-60);
    expect(await ask(token)).toBe('token_invalid');
  });
  it('shares one fetch among all who wait for it', async () => {
    expect(await ask(issuer.sign())).toBe(200);
    const fresh = await startService(issuer);
    const before = issuer.requests.jwks;
    const token = issuer.sign();
    const statuses = await Promise.all(
      Array.from({ length: 50 }, async () => (await fresh.get('/orders', bearer(token))).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(issuer.requests.jwks - before).toBeLessThanOrEqual(1);
    await fresh.close();
  });

  const answer = (status: number, body: string, headers: Record<string, string> = {}): TestIssuerHandler => {
    return (_, response) => response.writeHead(status, headers).end(body);
  };
  const weak = '{"keys":[{"kty":"RSA","kid":"w","n":"AQAB","e":"AQAB"}]}';
  it.each([
    ['HTML', answer(200, '<html>')],
    ['a 500', answer(500, '{}')],
    ['an empty list', answer(200, '{"keys":[]}')],
    ['another shape', answer(200, '{"keys":{"a":1}}')],
    ['null', answer(200, 'null')],
    ['only a weak key', answer(200, weak)],
    ['only a secret', answer(200, '{"keys":[{"kty":"oct","kid":"s","k":"c2VjcmV0"}]}')],
    ['a redirect', answer(302, '', { location: 'http://127.0.0.1:1/' })],
    ['a megabyte', answer(200, `{"keys":[],"x":"${'x'.repeat(1_000_000)}"}`)],
    ['a cut connection', (request) => void request.socket.destroy()],
  ] as [string, TestIssuerHandler][])('keeps the known keys when the answer is %s', async (_, handler) => {
    const token = longLived();
    expect(await ask(token)).toBe(200);
    issuer.respondWith = handler;
    service.clock.advance(301);
    expect(await ask(token)).toBe(200);
    issuer.respondWith = undefined;
    issuer.rotate();
    service.clock.advance(6);
    expect(await ask(issuer.sign())).toBe(200);
  });
  it.each([
    ['silent', () => undefined],
    [
      'so slow that no answer ever ends',
      (
        _: unknown,
        response: { write(text: string): unknown; on(event: 'close', done: () => void): unknown },
      ) => {
        const drip = setInterval(() => response.write(' '), 50);
        response.on('close', () => clearInterval(drip));
      },
    ],
  ] as [string, TestIssuerHandler][])(
    'waits once, and not for long, when the auth server is %s',
    async (_, handler) => {
      const impatient = await startService(issuer, { options: { httpTimeoutSeconds: 1 } });
      const token = longLived();
      expect((await impatient.get('/orders', bearer(token))).status).toBe(200);
      issuer.respondWith = handler;
      impatient.clock.advance(301);
      const startedAt = performance.now();
      const statuses = await Promise.all(
        Array.from({ length: 50 }, async () => (await impatient.get('/orders', bearer(token))).status),
      );
      for (let count = 0; count < 50; count += 1)
        statuses.push((await impatient.get('/orders', bearer(token))).status);
      expect(new Set(statuses)).toEqual(new Set([200]));
      // One wait is 1 s; fifty of them would be 50.
      expect(performance.now() - startedAt).toBeLessThan(25_000);
      await impatient.close();
    },
  );
  it('does not trust private or encryption keys, and takes the first of two keys with one kid', async () => {
    const { privateKey, publicKey, kid } = issuer.currentKey;
    const token = issuer.sign();
    const publish = (...keys: object[]) => {
      issuer.respondWith = answer(200, JSON.stringify({ keys }));
    };
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid };
    publish({ ...privateKey.export({ format: 'jwk' }), kid });
    service.clock.advance(301);
    expect(await ask(token)).toBe('keys_unavailable');
    publish({ ...jwk, use: 'enc' });
    service.clock.advance(301);
    expect(await ask(token)).toBe('keys_unavailable');
    publish(jwk, { ...jwk, n: `${jwk.n?.slice(0, -4)}AAAA` });
    service.clock.advance(301);
    expect(await ask(issuer.sign())).toBe(200);
  });
});
