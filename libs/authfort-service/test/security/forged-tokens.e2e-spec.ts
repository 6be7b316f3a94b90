import { constants, createHmac, createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { bearer, startService, type ServiceUnderTest } from '../harness.js';

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** RFC 8725 §2.1–2.3, §3.1: only the issuer's keys, only by the algorithms that they are for. */
describe('attack: forged tokens at a service', () => {
  let issuer: TestIssuer;
  let service: ServiceUnderTest;
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
  beforeAll(async () => {
    issuer = await createTestIssuer();
    service = await startService(issuer);
  });
  afterAll(async () => {
    await service.close();
    await issuer.stop();
  });

  const parts = (token: string) => token.split('.') as [string, string, string];
  const reSigned = (header: object, key: KeyObject = stranger.privateKey) => {
    const input = `${encode({ alg: 'RS256', kid: issuer.currentKey.kid, typ: 'at+jwt', ...header })}.${parts(issuer.sign())[1]}`;
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`;
  };
  async function expectRefused(token: string): Promise<void> {
    const { status, body, headers } = await service.get('/orders', bearer(token));
    expect([status, body.error]).toEqual([401, 'token_invalid']);
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
  }

  it('accepts the control', async () => {
    expect((await service.get('/orders', bearer(reSigned({}, issuer.currentKey.privateKey)))).status).toBe(
      200,
    );
  });
  it('refuses alg none', async () => {
    const [, claims, signature] = parts(issuer.sign());
    for (const alg of ['none', 'None', 'NONE', '']) {
      const header = encode({ alg, kid: issuer.currentKey.kid, typ: 'at+jwt' });
      await expectRefused(`${header}.${claims}.`);
      await expectRefused(`${header}.${claims}.${signature}`);
    }
  });
  it('refuses HS256 with the public key as the secret', async () => {
    const pem = issuer.currentKey.publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const input = `${encode({ alg: 'HS256', kid: issuer.currentKey.kid, typ: 'at+jwt' })}.${parts(issuer.sign())[1]}`;
    for (const secret of [
      pem,
      pem.trim(),
      issuer.currentKey.publicKey.export({ type: 'spki', format: 'der' }),
    ]) {
      await expectRefused(`${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`);
    }
  });
  it('refuses another algorithm by the right key', async () => {
    for (const [alg, hash] of [
      ['PS256', 'sha256'],
      ['RS512', 'sha512'],
      ['RS384', 'sha384'],
    ] as const) {
      const input = `${encode({ alg, kid: issuer.currentKey.kid, typ: 'at+jwt' })}.${parts(issuer.sign())[1]}`;
      const key = {
        key: issuer.currentKey.privateKey,
        ...(alg === 'PS256' && { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
      };
      await expectRefused(`${input}.${createSign(hash).update(input).sign(key).toString('base64url')}`);
    }
  });
  it('refuses ES256 under a kid of an RSA key', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const input = `${encode({ alg: 'ES256', kid: issuer.currentKey.kid, typ: 'at+jwt' })}.${parts(issuer.sign())[1]}`;
    await expectRefused(
      `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`,
    );
  });
  it('refuses a stranger’s signature', () => expectRefused(reSigned({})));
  it('does not follow or use keys that the header brings', async () => {
    let asked = 0;
    const evil = createServer((_, response) => {
      asked += 1;
      response.end('{"keys":[]}');
    });
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(evil.address() as AddressInfo).port}/`;
    const jwk = stranger.publicKey.export({ format: 'jwk' });
    for (const header of [
      { jwk },
      { jku: url },
      { x5u: url },
      { x5c: ['MIIB'] },
      { jku: url, kid: 'evil' },
    ]) {
      await expectRefused(reSigned(header));
      await expectRefused(reSigned(header, issuer.currentKey.privateKey));
    }
    expect(asked).toBe(0);
    await new Promise((resolve) => evil.close(resolve));
  });
  it('refuses critical extensions and other types of JWT', async () => {
    for (const header of [
      { crit: ['exp'] },
      { typ: 'JWT' },
      { typ: undefined },
      { typ: 'mfa+jwt' },
      { typ: ['at+jwt'] },
    ]) {
      await expectRefused(reSigned(header, issuer.currentKey.privateKey));
    }
    expect(
      (
        await service.get(
          '/orders',
          bearer(reSigned({ typ: 'application/AT+JWT' }, issuer.currentKey.privateKey)),
        )
      ).status,
    ).toBe(200);
  });
  it.each([
    '',
    '.',
    '..',
    'a.b.c',
    '....',
    'null.null.null',
    `${'a'.repeat(12_000)}.b.c`,
    `${encode({ alg: 'RS256', kid: 'a\u0000b', typ: 'at+jwt' })}.e30.c2ln`,
    `${encode({ alg: 'RS256', kid: '', typ: 'at+jwt' })}.e30.c2ln`,
    `${encode({ alg: 'RS256', kid: { a: 1 }, typ: 'at+jwt' })}.e30.c2ln`,
    `${encode({ alg: 'RS256', kid: 'x'.repeat(300), typ: 'at+jwt' })}.e30.c2ln`,
    `${encode({ alg: 'RS256', kid: '__proto__', typ: 'at+jwt' })}.e30.c2ln`,
    `${encode([])}.e30.c2ln`,
    `${Buffer.from('['.repeat(5000)).toString('base64url')}.e30.c2ln`,
    `${Buffer.from([0xff, 0xfe]).toString('base64url')}.e30.c2ln`,
  ])('answers 401 to garbage: %.30j', async (token) => {
    const { status } = await service.get('/orders', { authorization: `Bearer ${token}` });
    expect(status).toBe(401);
  });
  it.each(['"text"', '[]', 'null', '7', '{', '{"sub":"a"}', '{"__proto__":{"sub":"a"}}'])(
    'answers 401 to the signed payload %s',
    async (payload) => {
      const input = `${encode({ alg: 'RS256', kid: issuer.currentKey.kid, typ: 'at+jwt' })}.${Buffer.from(payload).toString('base64url')}`;
      await expectRefused(
        `${input}.${sign('sha256', Buffer.from(input), issuer.currentKey.privateKey).toString('base64url')}`,
      );
    },
  );
  it('ignores tokens in the query string', async () => {
    expect((await service.get(`/orders?access_token=${issuer.sign()}`)).body.error).toBe('token_missing');
  });
  it('refuses two different cookies of the name, and reads none when it is not configured', async () => {
    const withCookie = await startService(issuer, { options: { cookieName: 'access_token' } });
    const [mine, planted] = [issuer.sign(), issuer.sign()];
    const ask = async (cookie: string) => (await withCookie.get('/orders', { cookie })).status;
    expect([
      await ask(`access_token=${mine}; access_token=${planted}`),
      await ask(`access_token=${mine}; access_token=${mine}`),
    ]).toEqual([401, 200]);
    expect((await service.get('/orders', { cookie: `access_token=${mine}` })).body.error).toBe(
      'token_missing',
    );
    await withCookie.close();
  });
});
