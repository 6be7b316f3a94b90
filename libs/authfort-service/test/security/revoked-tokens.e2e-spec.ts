import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ServiceAuth, type ServiceAuthOptions } from 'authfort-service';
import { createTestIssuer, TEST_INTROSPECT_SECRET, type TestIssuer } from 'authfort-service/testing';
import { until } from '../feed-server.js';
import { adapters, bearer, startService, type ServiceOptions, type ServiceUnderTest } from '../harness.js';

/** What the auth server has ended, services end too: within a second, and not only where they ask. */
describe('attack: a token that was revoked before its time', () => {
  let issuer: TestIssuer;
  const started: ServiceUnderTest[] = [];
  beforeAll(async () => {
    issuer = await createTestIssuer();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((service) => service.close()));
    issuer.respondWith = undefined;
  });
  afterAll(() => issuer.stop());

  type Feed = Partial<NonNullable<ServiceAuthOptions['revocations']>>;
  async function start(feed: Feed = {}, rest: ServiceOptions = {}): Promise<ServiceUnderTest> {
    const options = { ...rest.options, revocations: { url: issuer.revocationsUrl, ...feed } };
    const service = await startService(issuer, { ...rest, options });
    started.push(service);
    return service;
  }
  const stateOf = ({ app }: ServiceUnderTest) => app.get(ServiceAuth).revocations!;
  async function startInStep(feed: Feed = {}, rest: ServiceOptions = {}): Promise<ServiceUnderTest> {
    const service = await start(feed, rest);
    await until('the feed is heard', () => !stateOf(service).stale);
    return service;
  }
  async function ask(service: ServiceUnderTest, token: string, path = '/orders') {
    const { status, body } = await service.get(path, bearer(token));
    return status === 200 ? 200 : (body.error as string);
  }
  const untilRefused = (service: ServiceUnderTest, token: string, path?: string) =>
    until('the token is refused', async () => (await ask(service, token, path)) !== 200, 1000);
  const verify = ({ app }: ServiceUnderTest, token: string) =>
    app
      .get(ServiceAuth)
      .verifyToken(token)
      .then(
        () => 200,
        ({ code }: { code: string }) => code,
      );

  it.each(adapters)(
    'is refused within a second by the guard, by hand and by Passport (%s)',
    async (adapter) => {
      const service = await startInStep({}, { adapter });
      const [sub, sid] = [randomUUID(), randomUUID()];
      const ended = issuer.sign({ sub, sid });
      const outdated = issuer.sign({ sub, ver: 3 });
      const [current, stranger] = [issuer.sign({ sub, ver: 4 }), issuer.sign()];
      for (const token of [ended, outdated, current, stranger]) {
        expect([await ask(service, token), await ask(service, token, '/passport')]).toEqual([200, 200]);
        expect(await verify(service, token)).toBe(200);
      }
      issuer.revoke({ sid });
      await untilRefused(service, ended);
      issuer.revoke({ sub, ver: 4 });
      await untilRefused(service, outdated);
      expect([await ask(service, ended), await ask(service, outdated)]).toEqual([
        'session_revoked',
        'token_version_mismatch',
      ]);
      for (const token of [ended, outdated]) {
        expect((await service.get('/passport', bearer(token))).status).toBe(401);
        expect(await verify(service, token)).toMatch(/session_revoked|token_version_mismatch/);
      }
      for (const token of [current, stranger]) {
        expect([await ask(service, token), await ask(service, token, '/passport')]).toEqual([200, 200]);
        expect(await verify(service, token)).toBe(200);
      }
      expect(stateOf(service)).toMatchObject({ connected: true, via: 'stream', stale: false });
      const { headers } = await service.get('/orders', bearer(ended));
      expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
    },
  );

  it('is refused by its key, also while the JWKS still has it, and the keys are fetched anew at once', async () => {
    const service = await startInStep();
    const stolen = issuer.currentKey.kid;
    const token = issuer.sign();
    expect(await ask(service, token)).toBe(200);
    issuer.rotate();
    const before = issuer.requests.jwks;
    issuer.revoke({ kid: stolen });
    await untilRefused(service, token);
    expect(await ask(service, token)).toBe('token_invalid');
    await until('the keys are fetched', () => issuer.requests.jwks > before, 1000);
    // Within the cool-down of the fetch before.
    expect(await ask(service, issuer.sign())).toBe(200);
  });

  it('is refused by a service that starts later, and by one that was cut off meanwhile', async () => {
    const service = await startInStep();
    const [before, meanwhile] = [issuer.sign(), issuer.sign()];
    issuer.revoke(before);
    await untilRefused(service, before);
    await issuer.stop();
    issuer.revoke(meanwhile);
    expect([await ask(service, before), await ask(service, meanwhile)]).toEqual(['session_revoked', 200]);
    await issuer.listen();
    await until('the service has heard it', async () => (await ask(service, meanwhile)) !== 200);
    const late = await startInStep();
    expect([await ask(late, before), await ask(late, meanwhile)]).toEqual([
      'session_revoked',
      'session_revoked',
    ]);
  });

  it('is refused until it has expired, and costs no memory after that', async () => {
    const service = await startInStep();
    const token = issuer.sign();
    const known = stateOf(service).entries;
    issuer.revoke(token);
    await untilRefused(service, token);
    service.clock.advance(890);
    expect(await ask(service, token)).toBe('session_revoked');
    service.clock.advance(100);
    expect(await ask(service, token)).toBe('token_expired');
    await until('it is forgotten', () => stateOf(service).entries <= known);
  });

  describe('while the auth server cannot be heard', () => {
    const cutOff = async (service: ServiceUnderTest) => {
      await issuer.stop();
      service.clock.advance(11);
    };
    afterEach(async () => {
      await issuer.stop();
      await issuer.listen();
    });

    it('holds until it expires (allow), which is what services outlive the auth server by', async () => {
      const service = await startInStep();
      const token = issuer.sign();
      expect(await ask(service, token)).toBe(200);
      await cutOff(service);
      expect([await ask(service, token), stateOf(service).stale]).toEqual([200, true]);
    });

    it('is refused with 503 and Retry-After (deny), and public routes are not', async () => {
      const service = await startInStep({ whenStale: 'deny' });
      const token = issuer.sign();
      expect(await ask(service, token)).toBe(200);
      service.clock.advance(9);
      await issuer.stop();
      expect(await ask(service, token)).toBe(200);
      service.clock.advance(11);
      for (const path of ['/orders', '/passport']) {
        const { status, body, headers } = await service.get(path, bearer(token));
        expect([status, body.error, headers.get('retry-after')]).toEqual([
          503,
          'revocations_unavailable',
          '2',
        ]);
        expect(headers.get('www-authenticate')).toBeNull();
      }
      expect(await verify(service, token)).toBe('revocations_unavailable');
      expect((await service.get('/open')).status).toBe(200);
      expect(await ask(service, 'nonsense')).toBe('token_invalid');
      await issuer.listen();
      await until('it is heard again', async () => (await ask(service, token)) === 200);
    });

    it('is not let in because the clock was set back (deny)', async () => {
      const service = await startInStep({ whenStale: 'deny' });
      const token = issuer.sign();
      expect(await ask(service, token)).toBe(200);
      await issuer.stop();
      service.clock.advance(-30);
      expect(await ask(service, token)).not.toBe(200);
    });

    it('is confirmed by the auth server itself (introspect), which says 503 when it is away', async () => {
      const service = await startInStep({ whenStale: 'introspect' });
      const [token, ended] = [issuer.sign({ roles: ['clerk'] }), issuer.sign()];
      expect([await ask(service, token), await ask(service, ended)]).toEqual([200, 200]);
      expect(issuer.requests.introspect).toBe(0);
      await cutOff(service);
      for (const path of ['/orders', '/passport'])
        expect(await ask(service, token, path)).toBe('introspection_unavailable');
      expect(await verify(service, token)).toBe('introspection_unavailable');

      // Only the feed is away now.
      await issuer.listen();
      const proxied = await start({ whenStale: 'introspect', url: 'http://127.0.0.1:9/revocations' });
      issuer.revoke(ended);
      expect([await ask(proxied, token), await ask(proxied, ended)]).toEqual([200, 'session_revoked']);
      expect([await ask(proxied, token, '/passport'), await verify(proxied, ended)]).toEqual([
        200,
        'session_revoked',
      ]);
      expect((await proxied.get('/passport', bearer(ended))).status).toBe(401);
    });

    it.each(['deny', 'allow'] as const)('does not keep a service from starting (%s)', async (whenStale) => {
      const earlier = await startInStep();
      const token = issuer.sign();
      expect(await ask(earlier, token)).toBe(200);
      await issuer.stop();
      const service = await start({ whenStale });
      expect(await ask(service, token)).toBe('keys_unavailable');
      expect((await service.get('/open')).status).toBe(200);
      expect(stateOf(service)).toEqual({
        connected: false,
        via: undefined,
        stale: true,
        lastHeardAt: undefined,
        entries: 0,
        incompleteBefore: undefined,
      });
      await issuer.listen();
      service.clock.advance(6);
      await until('it serves', async () => (await ask(service, token)) === 200);
    });

    it('is never refused with 401 for it: that would sign everybody out', async () => {
      const asked = issuer.requests.revocationStreams;
      const service = await start({ whenStale: 'deny', secret: 'another secret, which is wrong' });
      await until('it has been refused', () => issuer.requests.revocationStreams > asked);
      expect(await ask(service, issuer.sign())).toBe('revocations_unavailable');
    });
  });

  it('of a session that its user kept is accepted, of the others refused', async () => {
    const service = await startInStep();
    const [sub, sid] = [randomUUID(), randomUUID()];
    const [kept, other] = [issuer.sign({ sub, sid, ver: 3 }), issuer.sign({ sub, ver: 3 })];
    issuer.revoke({ sub, ver: 4, except: { sid, ver: 3 } });
    await untilRefused(service, other);
    expect([await ask(service, kept), await ask(service, kept, '/passport')]).toEqual([200, 200]);
    issuer.revoke({ sub, ver: 5 });
    await untilRefused(service, kept);
  });

  describe('after a flood of revocations that the list cannot hold', () => {
    async function flooded(whenStale: 'allow' | 'introspect' | 'deny') {
      const service = await startInStep({ whenStale, maxEntries: 1000 });
      const [other, victim] = [issuer.sign(), issuer.sign()];
      issuer.revoke(victim);
      await untilRefused(service, victim);
      for (let n = 0; n < 1500; n += 1) issuer.revoke({ sid: randomUUID() });
      await until('entries were dropped', () => stateOf(service).incompleteBefore !== undefined);
      expect(stateOf(service).entries).toBeLessThanOrEqual(1000);
      return { service, other, victim };
    }

    it('is accepted from another user (allow)', async () => {
      const { service, other } = await flooded('allow');
      for (const path of ['/orders', '/passport']) expect(await ask(service, other, path)).toBe(200);
      expect(await verify(service, other)).toBe(200);
    });

    it('is confirmed by the auth server (introspect), and refused where it was revoked', async () => {
      const { service, other, victim } = await flooded('introspect');
      const before = issuer.requests.introspect;
      for (const path of ['/orders', '/passport']) expect(await ask(service, other, path)).toBe(200);
      expect(issuer.requests.introspect).toBe(before + 2);
      expect(await ask(service, victim)).toBe('session_revoked');
    });

    it('is a 503, never a 401 (deny), and a token that is issued later is accepted', async () => {
      const { service, other, victim } = await flooded('deny');
      const { status, body, headers } = await service.get('/orders', bearer(other));
      expect([status, body.error, headers.get('retry-after')]).toEqual([503, 'revocations_unavailable', '2']);
      // Its entry may be one of those that were kept.
      expect(['revocations_unavailable', 'session_revoked']).toContain(await ask(service, victim));
      expect((await service.get('/passport', bearer(other))).status).toBe(503);
      expect(await verify(service, other)).toBe('revocations_unavailable');
      const iat = Math.ceil(stateOf(service).incompleteBefore!.getTime() / 1000) + 1;
      const later = issuer.sign({ iat, exp: iat + 900 });
      service.clock.advance(8);
      expect(await ask(service, later)).toBe(200);
    });
  });

  it('needs no introspection to be refused', async () => {
    const service = await startInStep(
      { secret: TEST_INTROSPECT_SECRET },
      { options: { introspectUrl: undefined, introspectSecret: undefined } },
    );
    const token = issuer.sign();
    expect(await ask(service, token)).toBe(200);
    issuer.revoke(token);
    await untilRefused(service, token);
  });
});
