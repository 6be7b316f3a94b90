import { Controller, Get, Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  type AuthUser,
  CurrentUser,
  Introspect,
  listRoutes,
  Permissions,
  Public,
  Roles,
  ServiceAuth,
} from 'authfort-service';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { adapters, bearer, type ServiceOptions, startService, type ServiceUnderTest } from '../harness.js';

@Controller('refunds')
class RefundsController {
  @Get()
  @Permissions('orders:read', 'orders:refund')
  refund(@CurrentUser() { permissions, roles }: AuthUser): Partial<AuthUser> {
    return { permissions, roles };
  }
  @Get('by-role')
  @Roles('clerk', 'manager')
  @Permissions('orders:refund')
  byRole(): string {
    return 'done';
  }
  @Get('now')
  @Introspect()
  @Permissions('orders:refund')
  now(): string {
    return 'done';
  }
  @Get('undecorated')
  undecorated(@CurrentUser() { permissions }: AuthUser): { permissions: unknown } {
    return { permissions: permissions ?? 'unknown' };
  }
}

@Controller('reports')
@Permissions('reports:read')
class ReportsController {
  @Get()
  read(): string {
    return 'report';
  }
  @Get('all')
  @Permissions('reports:all')
  all(): string {
    return 'all';
  }
}

@Controller('counter')
@Public()
class CounterController {
  @Get()
  @Permissions('counter:read')
  read(): string {
    return 'count';
  }
}

@Public()
class PublicBase {
  @Get()
  list(): string {
    return 'list';
  }
}
@Controller('restricted')
@Roles('admin')
class RestrictedController extends PublicBase {}
@Controller('contradictory')
@Public()
@Permissions('reports:read')
class ContradictoryController extends PublicBase {}
@Controller('inheriting')
class InheritingController extends PublicBase {}
@Controller('reopened')
@Public()
class ReopenedController extends RestrictedController {}

const controllers = [
  RefundsController,
  ReportsController,
  CounterController,
  RestrictedController,
  ContradictoryController,
  InheritingController,
  ReopenedController,
];
const NO_INTROSPECTION = { introspectUrl: undefined, introspectSecret: undefined };

describe.each(adapters)('@Permissions() in a service on %s', (adapter) => {
  let issuer: TestIssuer;
  let service: ServiceUnderTest;
  let alone: ServiceUnderTest;
  const start = (options: ServiceOptions['options'] = {}) =>
    startService(issuer, { adapter, controllers, options });
  beforeAll(async () => {
    issuer = await createTestIssuer();
    [service, alone] = await Promise.all([start(), start(NO_INTROSPECTION)]);
  });
  afterAll(async () => {
    await Promise.all([service.close(), alone.close()]);
    await issuer.stop();
  });
  const get = (path: string, claims: object, at = service) =>
    at.get(path, bearer(issuer.sign({ ...claims })));
  const outcome = async (path: string, claims: object, at = service) => {
    const { status, body } = await get(path, claims, at);
    return status === 200 ? 200 : body.error;
  };

  it('wants all of the permissions, and asks nobody when the token says which', async () => {
    const asked = issuer.requests.introspect;
    const permissions = ['orders:read', 'orders:refund', 'x'];
    expect((await get('/refunds', { permissions })).body).toEqual({ permissions, roles: [] });
    expect(await outcome('/refunds', { permissions: ['orders:refund'] })).toBe('insufficient_permission');
    expect(await outcome('/refunds', { permissions: ['orders'] })).toBe('insufficient_permission');
    const { status, headers } = await get('/refunds', { permissions: [] });
    expect([status, headers.get('cache-control')]).toEqual([403, 'no-store']);
    expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    expect(issuer.requests.introspect).toBe(asked);
  });

  it('wants a role too, where one is asked for', async () => {
    const permissions = ['orders:refund'];
    expect([
      await outcome('/refunds/by-role', { permissions, roles: ['clerk'] }),
      await outcome('/refunds/by-role', { permissions, roles: ['guest'] }),
      await outcome('/refunds/by-role', { permissions: [], roles: ['clerk'] }),
    ]).toEqual([200, 'insufficient_role', 'insufficient_permission']);
  });

  it('stands on a controller, is replaced on a method, and closes a public one', async () => {
    const read = { permissions: ['reports:read'] };
    expect([await outcome('/reports', read), await outcome('/reports/all', read)]).toEqual([
      200,
      'insufficient_permission',
    ]);
    expect(await outcome('/reports/all', { permissions: ['reports:all'] })).toBe(200);
    expect((await service.get('/counter')).body.error).toBe('token_missing');
    expect(await outcome('/counter', { permissions: ['counter:read'] })).toBe(200);
  });

  it('restricts a controller whose base class is public, and prefers the restriction of one class', async () => {
    expect((await service.get('/restricted')).body.error).toBe('token_missing');
    expect(await outcome('/restricted', { roles: ['guest'] })).toBe('insufficient_role');
    expect(await outcome('/restricted', { roles: ['admin'] })).toBe(200);
    expect((await service.get('/contradictory')).body.error).toBe('token_missing');
    expect(await outcome('/contradictory', { permissions: ['reports:read'] })).toBe(200);
    const open = ['/inheriting', '/reopened'].map((path) => service.get(path));
    expect((await Promise.all(open)).map(({ status }) => status)).toEqual([200, 200]);
    const listed = listRoutes(service.app).map(({ path, access, roles }) =>
      [path, access, ...roles].join(' '),
    );
    expect(listed).toEqual(
      expect.arrayContaining(['/restricted guarded admin', '/contradictory guarded', '/inheriting public']),
    );
  });

  it('asks the auth server when the token does not say, and goes by its answer', async () => {
    const sub = `without-claim-${adapter}`;
    expect(await outcome('/refunds', { sub })).toBe('insufficient_permission');
    issuer.introspected.set(sub, { permissions: ['orders:read', 'orders:refund'], roles: ['fresh'] });
    const token = issuer.sign({ sub });
    expect((await service.get('/refunds', bearer(token))).body).toEqual({
      permissions: ['orders:read', 'orders:refund'],
      roles: ['fresh'],
    });
    issuer.revoke(token);
    expect((await service.get('/refunds', bearer(token))).body.error).toBe('session_revoked');
  });

  it('introspects roles that did not fit into the token, and refuses without introspection', async () => {
    const claims = {
      sub: `many-roles-${adapter}`,
      permissions: ['orders:refund'],
      roles: [],
      roles_omitted: true,
    };
    expect(await outcome('/refunds/by-role', claims, alone)).toBe('insufficient_role');
    issuer.introspected.set(claims.sub, { permissions: ['orders:refund'], roles: ['other', 'clerk'] });
    expect(await outcome('/refunds/by-role', claims)).toBe(200);
    issuer.introspected.set(claims.sub, { permissions: ['orders:refund'], roles: ['other'] });
    expect(await outcome('/refunds/by-role', claims)).toBe('insufficient_role');
  });

  it('asks nobody on a route that needs no permission', async () => {
    const asked = issuer.requests.introspect;
    expect((await get('/refunds/undecorated', {})).body).toEqual({ permissions: 'unknown' });
    expect(issuer.requests.introspect).toBe(asked);
  });

  it('refuses when the token does not say and there is nobody to ask', async () => {
    expect(await outcome('/refunds', {}, alone)).toBe('insufficient_permission');
    expect(await outcome('/refunds', { permissions: ['orders:read', 'orders:refund'] }, alone)).toBe(200);
  });

  it('lets introspection overrule the token, also by saying nothing', async () => {
    const claims = { sub: `overruled-${adapter}`, permissions: ['orders:refund'] };
    expect(await outcome('/refunds/now', claims)).toBe(200);
    for (const permissions of [[], undefined, null]) {
      issuer.introspected.set(claims.sub, { permissions });
      expect(await outcome('/refunds/now', claims)).toBe('insufficient_permission');
    }
    issuer.introspected.set(claims.sub, { permissions: 'orders:refund' });
    expect(await outcome('/refunds/now', claims)).toBe('introspection_unavailable');
  });

  it('refuses when the auth server that it asks does not answer', async () => {
    issuer.respondWith = (_request, response) => void response.writeHead(500).end();
    try {
      expect(await outcome('/refunds', {})).toBe('introspection_unavailable');
    } finally {
      issuer.respondWith = undefined;
    }
  });

  it.each([['orders:refund'], [{ 0: 'orders:refund' }], [[1]], [[['orders:refund']]], [null], [true]])(
    'takes a token with the permissions %j for broken',
    async (permissions) => {
      expect(await outcome('/refunds', { permissions })).toBe('token_invalid');
      expect(await outcome('/refunds/undecorated', { permissions })).toBe('token_invalid');
    },
  );

  it('guards also where only decorated routes are guarded', async () => {
    const decorated = await start({ guard: 'decorated' });
    for (const path of ['/refunds', '/reports', '/reports/all', '/counter'])
      expect([path, (await decorated.get(path)).status]).toEqual([path, 401]);
    expect(await outcome('/reports', { permissions: ['reports:read'] }, decorated)).toBe(200);
    await decorated.close();
  });

  it('stands in the log of the start, with what it needs', async () => {
    const log = jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
    try {
      await (await start(NO_INTROSPECTION)).close();
      const said = log.mock.calls.map(([message]) => String(message)).join('\n');
      expect(said).toContain('GET /refunds  guarded, permissions: orders:read & orders:refund\n');
      expect(said).toContain('Routes with @Permissions() answer 403 to tokens without the claim');
    } finally {
      log.mockRestore();
    }
  });

  it('is listed with the routes', () => {
    expect(listRoutes(service.app).map(({ path, permissions }) => [path, ...permissions])).toEqual([
      ['/contradictory', 'reports:read'],
      ['/counter', 'counter:read'],
      ['/inheriting'],
      ['/refunds', 'orders:read', 'orders:refund'],
      ['/refunds/by-role', 'orders:refund'],
      ['/refunds/now', 'orders:refund'],
      ['/refunds/undecorated'],
      ['/reopened'],
      ['/reports', 'reports:read'],
      ['/reports/all', 'reports:all'],
      ['/restricted'],
    ]);
  });

  it('shows the permissions to code that verifies by hand', async () => {
    const auth = service.app.get(ServiceAuth);
    const token = issuer.sign({ permissions: ['a'] });
    expect(await auth.verifyToken(token)).toMatchObject({ permissions: ['a'] });
    expect(await auth.introspect(token)).toMatchObject({ permissions: ['a'] });
    expect((await auth.verifyToken(issuer.sign())).permissions).toBeUndefined();
  });
});

it('@Permissions() without a permission is a mistake that stops the start', () => {
  expect(() => Permissions(...([] as unknown as [string]))).toThrow(TypeError);
});
