import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post } from '@nestjs/common';
import { type AuthUser, CurrentUser, Roles } from 'authfort-service';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import {
  adapters,
  bearer,
  OrdersController,
  type ServiceUnderTest,
  StaffController,
  startService,
} from '../harness.js';

/** Does to the user of its request what must not reach the next request. */
@Controller('careless')
class CarelessController {
  @Get()
  promote(@CurrentUser() user: AuthUser): { refused: string[] } {
    const attempts = {
      roles: () => (user.roles as string[]).push('staff'),
      claims: () => (user.claims.roles as string[]).push('staff'),
      user: () => Object.assign(user, { roles: ['staff'] }),
    };
    const refused = Object.entries(attempts).flatMap(([name, attempt]) => {
      try {
        attempt();
        return [];
      } catch {
        return [name];
      }
    });
    return { refused };
  }
}

class SharedController {
  @Get()
  list(): string {
    return 'shared';
  }
  @Post()
  create(): string {
    return 'shared';
  }
}

/** Two controllers with one handler, of which each asks for other roles. */
@Controller('shared/staff')
@Roles('staff')
class SharedStaffController extends SharedController {}
@Controller('shared/clerks')
@Roles('clerk')
class SharedClerksController extends SharedController {}

const controllers = [
  OrdersController,
  StaffController,
  CarelessController,
  SharedStaffController,
  SharedClerksController,
];

/** A token that was verified before is let through without its signature. Nothing else may ride on that. */
describe.each(adapters)('attack: what a service on %s remembers of a token', (adapter) => {
  let issuer: TestIssuer;
  let service: ServiceUnderTest;
  beforeAll(async () => {
    issuer = await createTestIssuer();
    service = await startService(issuer, { adapter, controllers, options: { cookieName: 'access_token' } });
  });
  afterAll(async () => {
    await service.close();
    await issuer.stop();
  });
  const answerOf = async (path: string, headers: Record<string, string>, from = service) => {
    const { status, body } = await from.get(path, headers);
    return status === 200 ? 200 : (body.error as string);
  };
  /** A token that the service has been shown, by header, until it remembered it. */
  const remembered = async (claims: Record<string, unknown> = {}, from = service) => {
    const token = issuer.sign(claims);
    for (let n = 0; n < 3; n += 1) expect(await answerOf('/orders', bearer(token), from)).toBe(200);
    return token;
  };
  const changed = (token: string, part: 0 | 1, members: object) => {
    const parts = token.split('.');
    const content = JSON.parse(Buffer.from(parts[part]!, 'base64url').toString()) as object;
    parts[part] = Buffer.from(JSON.stringify({ ...content, ...members })).toString('base64url');
    return parts.join('.');
  };

  it('does not lend its signature to other claims, or to another header', async () => {
    const token = await remembered();
    const forgeries = [
      changed(token, 1, { roles: ['staff'] }),
      changed(token, 1, { exp: 4_000_000_000 }),
      changed(token, 0, { alg: 'none' }),
      changed(token, 0, { kid: 'another' }),
      `x${token}`,
      `.${token}`,
      token.slice(-43),
      `..${token.slice(-43)}`,
      token.replace('.', '..'),
    ];
    for (const forged of forgeries) {
      expect([forged, await answerOf('/staff', bearer(forged))]).toEqual([forged, 'token_invalid']);
      expect(await answerOf('/staff', { cookie: `access_token=${forged}` })).toBe('token_invalid');
    }
    expect(await answerOf('/orders', bearer(token))).toBe(200);
  });
  it('is taken in the ways that a new one is taken, and in no others', async () => {
    const token = await remembered();
    const headers = (authorization: string) => answerOf('/orders', { authorization });
    for (const text of [`bearer ${token}`, `BEARER   ${token}`]) expect(await headers(text)).toBe(200);
    for (const text of [token, `Basic ${token}`, `Token ${token}`, `Bearer, ${token}`, `BearerX ${token}`])
      expect([text, (await headers(text)) === 200]).toEqual([text, false]);
    expect(await headers(`Bearer ${token} ${token}`)).toBe('token_invalid');
    expect(await headers(`Bearer ${token}, Bearer ${token}`)).toBe('token_invalid');
    expect(await answerOf(`/orders?access_token=${token}`, {})).toBe('token_missing');
  });
  it('ends with the token', async () => {
    const token = await remembered({ exp: Math.floor(Date.now() / 1000) + 60 });
    const own = await startService(issuer, { adapter });
    for (let n = 0; n < 3; n += 1) expect(await answerOf('/orders', bearer(token), own)).toBe(200);
    own.clock.advance(66);
    expect(await answerOf('/orders', bearer(token), own)).toBe('token_expired');
    await own.close();
  });
  it('ends with the key, by the fetch that misses it', async () => {
    const rotating = await createTestIssuer();
    const own = await startService(rotating, { adapter });
    const [{ kid }, token] = [rotating.currentKey, rotating.sign()];
    for (let n = 0; n < 3; n += 1) expect(await answerOf('/orders', bearer(token), own)).toBe(200);
    rotating.rotate();
    rotating.removeKey(kid);
    own.clock.advance(10);
    expect(await answerOf('/orders', bearer(token), own)).toBe(200);
    expect(await answerOf('/orders', bearer(rotating.sign()), own)).toBe(200);
    expect(await answerOf('/orders', bearer(token), own)).toBe('token_invalid');
    await own.close();
    await rotating.stop();
  });
  it('is of no use in a cookie that another site sent along', async () => {
    const token = await remembered();
    const send = async (headers: Record<string, string>) =>
      (await service.send('POST', '/orders', headers)).status;
    const cookie = `access_token=${token}`;
    expect(await send(bearer(token))).toBe(200);
    expect(await send({ cookie })).toBe(200);
    for (const [name, value] of [
      ['origin', 'https://evil.example'],
      ['sec-fetch-site', 'cross-site'],
    ] as const)
      expect(await send({ cookie, [name]: value })).toBe(403);
    expect(await answerOf('/orders', { cookie: `${cookie}; access_token=${issuer.sign()}` })).toBe(
      'token_invalid',
    );
    expect(await answerOf('/orders', { cookie, ...bearer('nonsense') })).toBe('token_invalid');
  });
  it('is not shared with a service of another audience', async () => {
    const [a, b] = await Promise.all(
      ['a', 'b'].map((audience) => startService(issuer, { adapter, options: { audience } })),
    );
    const token = await remembered({ aud: 'a' }, a);
    expect(await answerOf('/orders', bearer(token), b)).toBe('token_invalid');
    await Promise.all([a!.close(), b!.close()]);
  });
  it('gives nobody the roles that a handler has written into it', async () => {
    const token = await remembered({ roles: ['clerk'] });
    const { body } = await service.get('/careless', bearer(token));
    expect(body).toEqual({ refused: ['roles', 'claims', 'user'] });
    expect(await answerOf('/staff', bearer(token))).toBe('insufficient_role');
    expect((await service.get('/orders', bearer(token))).body.roles).toEqual(['clerk']);
  });
  it('is held against the roles of each route, also where two controllers share a handler', async () => {
    const [staff, clerk] = [await remembered({ roles: ['staff'] }), await remembered({ roles: ['clerk'] })];
    for (let n = 0; n < 3; n += 1) {
      expect(await answerOf('/shared/staff', bearer(staff))).toBe(200);
      expect(await answerOf('/shared/clerks', bearer(staff))).toBe('insufficient_role');
      expect(await answerOf('/shared/staff', bearer(clerk))).toBe('insufficient_role');
      expect(await answerOf('/shared/clerks', bearer(clerk))).toBe(200);
    }
  });
  it('does not spare the question of @Introspect()', async () => {
    const token = await remembered({ roles: ['clerk'] });
    const refund = async () => (await service.send('POST', '/orders/7/refund', bearer(token))).status;
    const before = issuer.requests.introspect;
    expect([await refund(), await refund()]).toEqual([200, 200]);
    expect(issuer.requests.introspect).toBe(before + 2);
    issuer.revoke(token);
    expect(await refund()).toBe(401);
  });
  it('cannot be pushed out to lock others out', async () => {
    const small = await startService(issuer, { adapter, options: { verifiedTokenCacheSize: 4 } });
    const token = await remembered({}, small);
    for (let n = 0; n < 20; n += 1) await remembered({}, small);
    expect(await answerOf('/orders', bearer(token), small)).toBe(200);
    await small.close();
  });
});
