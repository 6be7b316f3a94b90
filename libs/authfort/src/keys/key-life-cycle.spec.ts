import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headerOf, startServer, type TestServer } from '../../test/harness.js';
import { KeyRotationService } from './key-rotation.service.js';

/** Next → current → retiring → gone, by the clock. */
describe('the life cycle of the signing keys', () => {
  let server: TestServer;
  let rotation: KeyRotationService;
  beforeAll(async () => {
    server = await startServer();
    rotation = server.app.get(KeyRotationService);
  });
  afterAll(() => server.close());

  const published = async (): Promise<string[]> =>
    (await server.request('/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid);
  const kidOf = async (state: string) => (await rotation.list()).find((key) => key.state === state)!.kid;
  const signer = async () => headerOf((await server.signUp()).accessToken).kid;

  it('signs with the key that was next as soon as it is rotated: every cache has it', async () => {
    const [current, next] = [await kidOf('current'), await kidOf('next')];
    expect(await signer()).toBe(current);
    const before = await published();
    server.clock.advance(1);
    expect(await server.authfort.rotateKey()).toBe(next);
    expect(await signer()).toBe(next);
    expect(before).toContain(next);
    expect(await published()).toContain(current);
  });
  it('lets the predecessor sign on while a key that is too young may be missing from a cache', async () => {
    const trusted = await kidOf('current');
    server.clock.advance(1);
    await server.authfort.rotateKey();
    const young = await kidOf('current');
    expect(young).not.toBe(trusted);
    expect(await signer()).toBe(trusted);
    server.clock.advance(60 + 2 + 15);
    expect(await signer()).toBe(young);
  });
  it('publishes a retiring key until its last token has expired, and then removes it', async () => {
    server.clock.advance(3600);
    await rotation.tick();
    const user = await server.signUp();
    const retiring = headerOf(user.accessToken).kid as string;
    await server.authfort.rotateKey();
    server.clock.advance(899);
    await rotation.tick();
    expect((await server.request('/auth/me', { bearer: user.accessToken })).status).toBe(200);
    server.clock.advance(60);
    await rotation.tick();
    await server.authfort.rotateKey();
    expect(await published()).not.toContain(retiring);
    expect((await rotation.list()).map(({ kid }) => kid)).not.toContain(retiring);
  });
  it('rotates by itself after 30 days', async () => {
    const next = await kidOf('next');
    server.clock.advance(30 * 86_400 - 60);
    await rotation.tick();
    expect(await kidOf('next')).toBe(next);
    server.clock.advance(61);
    await rotation.tick();
    expect(await kidOf('current')).toBe(next);
  });
  it('takes a compromised key out at once: its tokens are refused, the session refreshes', async () => {
    const user = await server.signUp();
    const compromised = headerOf(user.accessToken).kid as string;
    // Shown before, so that it is remembered as verified.
    for (let n = 0; n < 2; n += 1)
      expect((await server.request('/auth/me', { bearer: user.accessToken })).status).toBe(200);
    expect(await rotation.compromise(compromised)).toBe(true);
    expect(await published()).not.toContain(compromised);
    expect((await server.request('/auth/me', { bearer: user.accessToken })).body.error).toBe('token_invalid');
    expect((await server.introspect(user.accessToken)).body).toEqual({ active: false });
    const { body } = await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    expect((await server.request('/auth/me', { bearer: body.tokens.access_token })).status).toBe(200);
    expect(await rotation.compromise(compromised)).toBe(false);
    expect((await rotation.list()).map(({ state }) => state).sort()).toEqual(
      expect.arrayContaining(['current', 'next']),
    );
  });
  it('lets the current key sign at once when the predecessor that still signs is compromised', async () => {
    server.clock.advance(1);
    await server.authfort.rotateKey();
    const [signing, current] = [await signer(), await kidOf('current')];
    expect(signing).not.toBe(current);
    expect(await rotation.compromise(signing as string)).toBe(true);
    expect(await signer()).toBe(current);
    const { trustedFrom } = (await rotation.list()).find(({ kid }) => kid === current)!;
    expect(trustedFrom.getTime()).toBeLessThanOrEqual(server.clock.now().getTime());
  });
  it('lets the successor sign at once when the young current key is compromised beside a signing predecessor', async () => {
    server.clock.advance(3600);
    await server.authfort.rotateKey();
    await server.authfort.rotateKey();
    const [signing, young] = [await signer(), await kidOf('current')];
    expect(signing).not.toBe(young);
    const next = await kidOf('next');
    expect(await rotation.compromise(young)).toBe(true);
    expect(await signer()).toBe(next);
    expect(await published()).toContain(signing);
  });
  it('outlives each of its tokens also when the key that should have followed it is compromised', async () => {
    server.clock.advance(3600);
    await server.authfort.rotateKey();
    server.clock.advance(60);
    await server.authfort.rotateKey();
    const heir = await kidOf('current');
    await server.authfort.rotateKey();
    expect(await signer()).not.toBe(heir);
    expect(await rotation.compromise(heir)).toBe(true);
    server.clock.advance(60 + 2 + 14);
    const user = await server.signUp();
    server.clock.advance(895);
    await rotation.rotate();
    expect((await server.request('/auth/me', { bearer: user.accessToken })).status).toBe(200);
  });
  it('passes over a row that it cannot open, and still lets a deleted key go', async () => {
    const user = await server.signUp();
    const kid = headerOf(user.accessToken).kid as string;
    await server.dataSource.query(
      `INSERT INTO authfort_signing_keys SELECT 'unreadable', algorithm, 'retiring', 'v1.bad.bad.bad', token_ttl_seconds,
         jwks_max_age_seconds, created_at, trusted_from, activated_at, $1::timestamptz FROM authfort_signing_keys WHERE kid = $2`,
      [new Date(server.clock.now().getTime() + 3_600_000), kid],
    );
    expect(await rotation.compromise(kid)).toBe(true);
    expect((await server.request('/auth/me', { bearer: user.accessToken })).body.error).toBe('token_invalid');
    expect(await published()).not.toContain(kid);
    expect(await published()).not.toContain('unreadable');
    await server.dataSource.query(`DELETE FROM authfort_signing_keys WHERE kid = 'unreadable'`);
  });
  it('replaces a compromised next key', async () => {
    const next = await kidOf('next');
    expect(await rotation.compromise(next)).toBe(true);
    expect(await kidOf('next')).not.toBe(next);
  });
});
