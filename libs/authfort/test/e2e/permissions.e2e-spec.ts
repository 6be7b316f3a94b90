import { Controller, Get, Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Permissions, Roles } from 'authfort';
import { adapters, claimsOf, type SignedUp, startServer, type TestServer } from '../harness.js';

@Controller('refunds')
class RefundsController {
  @Get()
  @Permissions('orders:read', 'orders:refund')
  refund(): string {
    return 'refunded';
  }
  @Get('by-role')
  @Roles('admin')
  @Permissions('orders:refund')
  byRole(): string {
    return 'refunded';
  }
}

describe('permissions that roles grant', () => {
  let server: TestServer;
  let admin: SignedUp;
  beforeAll(async () => {
    const options = { claims: { permissions: true } };
    server = await startServer({ options, controllers: [RefundsController] });
    admin = await signUpWith('admin');
  });
  afterAll(() => server.close());

  /** A user whose token is newer than their roles. */
  async function signUpWith(...roles: string[]): Promise<SignedUp> {
    const user = await server.signUp();
    for (const role of roles) await server.authfort.addRole(user.id, role);
    return refreshed(user);
  }
  async function refreshed(user: SignedUp): Promise<SignedUp> {
    const { body } = await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    const { access_token: accessToken, refresh_token: refreshToken } = body.tokens;
    return { ...user, accessToken, refreshToken };
  }
  const claimOf = (user: SignedUp) => claimsOf(user.accessToken).permissions;
  const ask = (method: string, path: string, user = admin) =>
    server.request(`/auth/admin/roles${path}`, { method, bearer: user.accessToken });
  const outcome = async (path: string, user: SignedUp) => {
    const { status, body } = await server.request(path, { bearer: user.accessToken });
    return status === 200 ? 200 : body.error;
  };

  it('hold at once, with the token that was there before', async () => {
    const user = await signUpWith('clerk');
    expect(claimOf(user)).toEqual([]);
    await server.authfort.grantPermission('clerk', 'orders:refund');
    expect(await outcome('/refunds', user)).toBe('insufficient_permission');
    await server.authfort.grantPermission('clerk', 'orders:read');
    expect(await outcome('/refunds', user)).toBe(200);
    expect(await outcome('/refunds/by-role', user)).toBe('insufficient_role');
    expect((await server.introspect(user.accessToken)).body.permissions).toEqual([
      'orders:read',
      'orders:refund',
    ]);
    expect(claimOf(await refreshed(user))).toEqual(['orders:read', 'orders:refund']);
    await server.authfort.withdrawPermission('clerk', 'orders:read');
    expect(await outcome('/refunds', user)).toBe('insufficient_permission');
    expect((await server.introspect(user.accessToken)).body.permissions).toEqual(['orders:refund']);
  });

  it('are those of all roles, each once, and sorted', async () => {
    for (const [role, permission] of [
      ['one', 'b'],
      ['one', 'a.z'],
      ['two', 'b'],
      ['two', 'a:b'],
      ['other', 'c'],
    ] as const)
      await server.authfort.grantPermission(role, permission);
    const user = await signUpWith('one', 'two');
    expect(claimOf(user)).toEqual(['a.z', 'a:b', 'b']);
    const has = (...names: string[]) => server.authfort.hasPermission(user.id, ...names);
    expect([await has('b', 'a:b'), await has('b', 'c'), await has()]).toEqual([true, false, false]);
    expect(await server.authfort.getRolePermissions('two')).toEqual(['a:b', 'b']);
    expect(await server.authfort.getRolePermissions('unknown')).toEqual([]);
    expect((await server.authfort.getUser(user.id)).permissions).toEqual(['a.z', 'a:b', 'b']);
  });

  it('are left out of the token over 1024 bytes, which the log says once', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    try {
      const names = [
        ...Array.from({ length: 15 }, (_, n) => `x${n}`.padEnd(64, 'x')),
        'fifteen-letters',
      ].sort();
      expect(JSON.stringify(names)).toHaveLength(1024);
      for (const name of names) await server.authfort.grantPermission('wide', name);
      const user = await signUpWith('wide');
      expect(claimOf(user)).toEqual(names);
      expect(warn).not.toHaveBeenCalled();
      await server.authfort.grantPermission('wider', 'x');
      const wider = await signUpWith('wide', 'wider');
      expect(claimsOf(wider.accessToken)).not.toHaveProperty('permissions');
      await refreshed(wider);
      expect(warn).toHaveBeenCalledTimes(1);
      expect((await server.introspect(wider.accessToken)).body.permissions).toHaveLength(17);
    } finally {
      warn.mockRestore();
    }
  });

  it('are administered over HTTP', async () => {
    const permission = '/support/permissions/tickets:close';
    const holder = await signUpWith('support');
    expect((await ask('GET', '/support')).body).toEqual({ role: 'support', permissions: [], users: 1 });
    for (const path of [permission, permission, permission.replace('close', 'read').replace(':', '%3A')]) {
      const { status, text } = await ask('PUT', path);
      expect([status, text]).toEqual([204, '']);
    }
    const support = { role: 'support', permissions: ['tickets:close', 'tickets:read'], users: 1 };
    const found = await ask('GET', '/support');
    expect([found.status, found.body, found.headers.get('cache-control')]).toEqual([
      200,
      support,
      'no-store',
    ]);
    const { roles } = (await ask('GET', '')).body as { roles: { role: string }[] };
    expect(roles).toEqual(await server.authfort.listRoles());
    expect(roles).toEqual(expect.arrayContaining([support, { role: 'admin', permissions: [], users: 1 }]));
    expect(roles.map(({ role }) => role)).toEqual(roles.map(({ role }) => role).sort());
    for (let times = 0; times < 2; times += 1) expect((await ask('DELETE', permission)).status).toBe(204);
    expect((await ask('GET', '/support')).body.permissions).toEqual(['tickets:read']);
    const entries = await server.dataSource.query(
      `SELECT action, actor_id, detail FROM authfort_audit_log WHERE detail->>'role' = 'support' AND actor_id = $1 ORDER BY id`,
      [admin.id],
    );
    expect(entries).toEqual([
      {
        action: 'permission_granted',
        actor_id: admin.id,
        detail: { role: 'support', permission: 'tickets:close' },
      },
      {
        action: 'permission_granted',
        actor_id: admin.id,
        detail: { role: 'support', permission: 'tickets:read' },
      },
      {
        action: 'permission_withdrawn',
        actor_id: admin.id,
        detail: { role: 'support', permission: 'tickets:close' },
      },
    ]);
    await ask('DELETE', '/support/permissions/tickets:read');
    expect((await ask('GET', '/support')).body).toEqual({ role: 'support', permissions: [], users: 1 });
    await server.dataSource.query('UPDATE authfort_users SET deleted_at = now() WHERE id = $1', [holder.id]);
    expect((await ask('GET', '/support')).body.error).toBe('role_not_found');
  });

  it('are nobody else’s to grant', async () => {
    const clerk = await signUpWith('clerk', 'Admin');
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/clerk'],
      ['PUT', '/clerk/permissions/all'],
      ['DELETE', '/clerk/permissions/orders:refund'],
    ] as const) {
      const { status, body } = await ask(method, path, clerk);
      expect([method, status, body.error]).toEqual([method, 403, 'insufficient_role']);
    }
    const former = await signUpWith('admin');
    await server.authfort.removeRole(former.id, 'admin');
    expect((await ask('GET', '', former)).body.error).toBe('token_version_mismatch');
    expect(await server.authfort.getRolePermissions('clerk')).toEqual(['orders:refund']);
  });

  it('are at most 100 a role, however many come at once', async () => {
    await server.dataSource.query(
      `INSERT INTO authfort_role_permissions SELECT 'full', 'p' || n, now() FROM generate_series(1, 95) AS n`,
    );
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask('PUT', `/full/permissions/new${n}`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array<number>(5).fill(204),
      ...Array<number>(15).fill(409),
    ]);
    expect(answers.find(({ status }) => status === 409)!.body.error).toBe('too_many_permissions');
    expect(await server.authfort.getRolePermissions('full')).toHaveLength(100);
    const [{ count }] = await server.dataSource.query(
      `SELECT count(*)::int FROM authfort_audit_log WHERE detail->>'role' = 'full'`,
    );
    expect(count).toBe(5);
    expect((await ask('PUT', '/full/permissions/p1')).status).toBe(204);
    await ask('DELETE', '/full/permissions/p1');
    expect((await ask('PUT', '/full/permissions/p1')).status).toBe(204);
  });

  it('one of them, granted by 10 at once, is granted once', async () => {
    await Promise.all(Array.from({ length: 10 }, () => server.authfort.grantPermission('twice', 'a')));
    const [{ count }] = await server.dataSource.query(
      `SELECT count(*)::int FROM authfort_audit_log WHERE detail->>'role' = 'twice'`,
    );
    expect(count).toBe(1);
    expect(await server.authfort.getRolePermissions('twice')).toEqual(['a']);
  });
});

describe.each(adapters)('the administration of permissions, on %s', (adapter) => {
  let server: TestServer;
  let bearer: string;
  beforeAll(async () => {
    server = await startServer({ adapter });
    const admin = await server.signUp();
    await server.authfort.addRole(admin.id, 'admin');
    bearer = (await server.authfort.refresh(admin.refreshToken)).tokens.accessToken;
  });
  afterAll(() => server.close());

  it.each([
    ['PUT', '/a%20b/permissions/c', 422, 'invalid_role'],
    ['PUT', '/%00/permissions/c', 422, 'invalid_role'],
    ['PUT', `/${'r'.repeat(65)}/permissions/c`, 422, 'invalid_role'],
    ['PUT', '/clerk/permissions/a%2Fb', 422, 'invalid_permission'],
    ['PUT', `/clerk/permissions/${'p'.repeat(65)}`, 422, 'invalid_permission'],
    ['DELETE', '/clerk/permissions/%F0%9F%92%A9', 422, 'invalid_permission'],
    ['DELETE', '/a%0A/permissions/c', 422, 'invalid_role'],
    ['GET', '/nobody', 404, 'role_not_found'],
    ['GET', '/%00', 404, 'role_not_found'],
    ['GET', "/'%20OR%201=1", 404, 'role_not_found'],
    ['PUT', '/clerk/permissions/', 404, 'not_found'],
    ['PUT', '/clerk/permissions/%E0%A4%A', 400, 'bad_request'],
    ['DELETE', '/clerk', 404, 'not_found'],
  ])('answers %s %s with %d %s', async (method, path, status, error) => {
    const answer = await server.request(`/auth/admin/roles${path}`, { method, bearer });
    expect([answer.status, answer.body.error]).toEqual([status, error]);
  });
});
