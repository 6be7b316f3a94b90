import { createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { forge, hmacSigned, pssSigned, unsigned } from '../forge.js';
import { headerOf, type SignedUp, startServer, type TestServer } from '../harness.js';

/** RFC 8725 §2.1–2.3, ASVS 9.1: a token that we did not sign the way we sign is worth nothing. */
describe('attack: forged access tokens', () => {
  let server: TestServer;
  let user: SignedUp;
  let publicPem: string;
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

  beforeAll(async () => {
    server = await startServer({ options: { algorithm: 'RS256' } });
    user = await server.signUp();
    const { body } = await server.request('/.well-known/jwks.json');
    const jwk = body.keys.find(
      (key: { kid: string }) => key.kid === headerOf(user.accessToken).kid,
    ) as JsonWebKey;
    publicPem = createPublicKey({ key: jwk, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    }) as string;
  });
  afterAll(() => server.close());

  async function expectRefused(token: string): Promise<void> {
    const me = await server.request('/auth/me', { bearer: token });
    expect([me.status, me.body.error]).toEqual([401, 'token_invalid']);
    expect(me.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect((await server.introspect(token)).body).toEqual({ active: false });
  }

  it('accepts the control: the same token signed again by the right key', async () => {
    expect((await server.request('/auth/me', { bearer: forge(server, user.accessToken, {}) })).status).toBe(
      200,
    );
  });
  it('refuses alg none, with and without a signature', async () => {
    await expectRefused(unsigned(user.accessToken));
    await expectRefused(unsigned(user.accessToken, user.accessToken.split('.')[2]));
  });
  it('refuses HS256 with the public key as the secret', async () => {
    await expectRefused(hmacSigned(user.accessToken, publicPem));
    await expectRefused(hmacSigned(user.accessToken, publicPem.trim()));
  });
  it('refuses PS256 by the right key', () => expectRefused(pssSigned(server, user.accessToken)));
  it('refuses the signature of a stranger', () =>
    expectRefused(forge(server, user.accessToken, { key: stranger.privateKey })));
  it('refuses a changed payload under the old signature', async () => {
    const [header, , signature] = user.accessToken.split('.');
    const [, claims] = forge(server, user.accessToken, { claims: { roles: ['admin'] } }).split('.');
    await expectRefused(`${header}.${claims}.${signature}`);
  });
  it('refuses a header that brings or points to its own key, and does not follow it', async () => {
    let requests = 0;
    const jwk = stranger.publicKey.export({ format: 'jwk' });
    const evil = createServer((_, response) => {
      requests += 1;
      response.end(JSON.stringify({ keys: [jwk] }));
    }).listen(0, '127.0.0.1');
    const url = `http://127.0.0.1:${(evil.address() as AddressInfo | null)?.port ?? 0}/jwks.json`;
    for (const header of [{ jwk }, { jku: url }, { x5u: url }, { x5c: ['MIIB'] }]) {
      await expectRefused(forge(server, user.accessToken, { key: stranger.privateKey, header }));
    }
    expect(requests).toBe(0);
    evil.close();
  });
  it('refuses critical extensions that it does not know (RFC 7515 §4.1.11)', () =>
    expectRefused(forge(server, user.accessToken, { header: { crit: ['x'], x: 1 } })));
  it('refuses JWTs of another type (RFC 9068 §4)', async () => {
    for (const typ of [undefined, 'JWT', 'mfa+jwt', 'at+jwt+x', 7]) {
      await expectRefused(forge(server, user.accessToken, { header: { typ } }));
    }
  });
  it('refuses a refresh token as a bearer token', () => expectRefused(user.refreshToken));
});
