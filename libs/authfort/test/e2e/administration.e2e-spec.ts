import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, type RequestOptions, type SignedUp, startServer, type TestServer } from '../harness.js';

let server: TestServer;
let admin: SignedUp;

beforeAll(async () => {
  server = await startServer();
  admin = await signUpAdmin();
});
afterAll(() => server.close());

/** A new administrator, with a token from after that. */
async function signUpAdmin(): Promise<SignedUp> {
  const user = await server.signUp(`admin-${randomUUID()}@example.com`);
  await server.authfort.addRole(user.id, 'admin');
  const { body } = await server.post('/auth/login', { email: user.email, password: PASSWORD });
  return { ...user, accessToken: body.tokens.access_token, refreshToken: body.tokens.refresh_token };
}

const as = (user: SignedUp, path: string, options: RequestOptions = {}) =>
  server.request(`/auth/admin${path}`, { bearer: user.accessToken, ...options });
const call = (method: string, path: string, json?: unknown) => as(admin, path, { method, json });
const list = (query = '') => as(admin, `/users${query}`);

async function expectShutOut({ accessToken, refreshToken }: SignedUp): Promise<void> {
  expect((await server.request('/auth/me', { bearer: accessToken })).status).toBeGreaterThanOrEqual(401);
  expect((await server.introspect(accessToken)).body).toEqual({ active: false });
  const refreshed = await server.post('/auth/refresh', { refresh_token: refreshToken });
  expect([401, 403]).toContain(refreshed.status);
}

describe('who may administer', () => {
  it('has the role, and loses the routes with it at once', async () => {
    const user = await server.signUp();
    const refused = await as(user, '/users');
    expect([refused.status, refused.body.error]).toEqual([403, 'insufficient_role']);
    expect((await server.request('/auth/admin/users')).status).toBe(401);
    const second = await signUpAdmin();
    expect((await as(second, '/users')).status).toBe(200);
    await server.authfort.removeRole(second.id, 'admin');
    expect((await as(second, '/users')).status).toBe(401);
  });
});

describe('the list of users', () => {
  const tag = `list-${randomUUID().slice(0, 8)}`;
  let ids: string[];

  beforeAll(async () => {
    ids = [];
    for (let n = 0; n < 7; n += 1) {
      // Two of them share a moment: the order has to be whole all the same.
      if (n % 2 === 0) server.clock.advance(60);
      const email = `${tag}-${n}@example.com`;
      ids.push((await server.authfort.createUser({ email, emailVerified: n < 2 })).id);
    }
    await server.authfort.addRole(ids[3]!, `${tag}-role`);
    await server.authfort.banUser(ids[4]!);
  });

  it.each(['sort=created_at&order=asc', 'sort=created_at', 'sort=email', 'sort=email&order=desc'])(
    'is read page by page by %s, each user once, while others come and go',
    async (sort) => {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const more: string = cursor && `&cursor=${cursor}`;
        const page = await list(`?search=${tag.toUpperCase()}&limit=2&${sort}${more}`);
        expect([page.status, page.body.total]).toEqual([200, 7]);
        seen.push(...page.body.users.map(({ email }: { email: string }) => email));
        cursor = page.body.next_cursor;
        await server.authfort.createUser({ email: `other-${randomUUID()}@example.com` });
      }
      const expected = ids.map((_, n) => `${tag}-${n}@example.com`);
      if (sort.includes('desc') || sort === 'sort=created_at') expected.reverse();
      if (sort.includes('created_at')) expect([...seen].sort()).toEqual([...expected].sort());
      else expect(seen).toEqual(expected);
      expect(new Set(seen).size).toBe(7);
    },
  );

  it.each([
    ['role=ROLE', [3]],
    ['banned=true', [4]],
    ['email_verified=true', [0, 1]],
    ['banned=false&email_verified=false', [2, 3, 5, 6]],
    ['deleted=true', []],
  ])('is narrowed by %s', async (filter, expected) => {
    const page = await list(`?search=${tag}&sort=email&${filter.replace('ROLE', `${tag}-role`)}`);
    expect(page.body.users.map(({ id }: { id: string }) => ids.indexOf(id))).toEqual(expected);
    expect(page.body.total).toBe(expected.length);
  });

  it.each(['created_at', 'email'])('is read page by page for one role, by %s', async (sort) => {
    const role = `${tag}-${sort}`;
    for (const id of ids.slice(0, 5)) await server.authfort.addRole(id, role);
    const gone = await server.authfort.createUser({
      email: `gone-${randomUUID()}@example.com`,
      roles: [role],
    });
    await server.authfort.deleteUser(gone.id);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const more: string = cursor && `&cursor=${cursor}`;
      const page = await list(`?role=${role}&limit=2&sort=${sort}&order=desc${more}`);
      expect([page.status, page.body.total]).toEqual([200, 5]);
      seen.push(...page.body.users.map(({ id }: { id: string }) => id));
      cursor = page.body.next_cursor;
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen)).toEqual(new Set(ids.slice(0, 5)));
    expect((await list(`?role=${role}&search=${tag}-1`)).body.total).toBe(1);
  });

  it('shows users as /auth/me does', async () => {
    const { body } = await list(`?search=${tag}-3`);
    expect(body.users[0]).toEqual({
      id: ids[3],
      email: `${tag}-3@example.com`,
      name: null,
      email_verified: false,
      avatar_url: null,
      phone: null,
      banned: false,
      is_deleted: false,
      deleted_at: null,
      roles: expect.arrayContaining([`${tag}-role`]),
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      session_id: null,
      mfa_enabled: false,
    });
  });

  it.each([
    ['sort=password_hash', 422],
    ['order=up', 422],
    ['limit=0', 422],
    ['limit=101', 422],
    ['limit=1e9', 422],
    ['banned=maybe', 422],
    ['cursor=x', 422],
    [`cursor=${Buffer.from('["email","a","b"]').toString('base64url')}`, 422],
    [`cursor=${Buffer.from(`["created_at","infinity","${randomUUID()}"]`).toString('base64url')}`, 422],
    ...['2024-01-01T00:00:00-23:59', '0000-01-01T00:00:00+00:00', '2024-02-30T00:00:00+00:00'].map(
      (moment): [string, number] => [
        `cursor=${Buffer.from(`["created_at","${moment}","${randomUUID()}"]`).toString('base64url')}`,
        422,
      ],
    ),
    ['search=%00', 422],
    ['search=a&search=b', 422],
    ['nonsense=1', 422],
    ['role=nobody-has-it', 404],
    ["search='%3B DROP TABLE authfort_users%3B--", 200],
    ['search=%25', 200],
  ])('answers %s with %d', async (query, status) => {
    const page = await list(`?${query}`);
    expect(page.status).toBe(status);
    if (status === 200) expect(page.body.users).toEqual([]);
    else expect(page.body.error).toBe(status === 422 ? 'validation_error' : 'role_not_found');
  });
});

describe('an account, administered', () => {
  it('is made, with or without a password, and changed', async () => {
    const email = `made-${randomUUID()}@example.com`;
    const made = await call('POST', '/users', { email, password: PASSWORD, roles: ['editor'], name: 'Eve' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ email, name: 'Eve', roles: ['editor'], email_verified: false });
    expect(made.headers.get('cache-control')).toBe('no-store');
    expect((await server.post('/auth/login', { email, password: PASSWORD })).status).toBe(200);
    const again = await call('POST', '/users', { email });
    expect([again.status, again.body.error]).toEqual([409, 'user_exists']);
    const changed = await call('PATCH', `/users/${made.body.id}`, {
      name: null,
      email: `new-${email}`,
      email_verified: true,
    });
    expect(changed.body).toMatchObject({ name: null, email: `new-${email}`, email_verified: true });
    expect((await call('GET', `/users/${made.body.id}`)).body).toEqual(changed.body);
    const taken = await call('PATCH', `/users/${made.body.id}`, { email: admin.email, name: 'Mallory' });
    expect(taken.body.error).toBe('user_exists');
    expect((await call('GET', `/users/${made.body.id}`)).body.name).toBeNull();
  });

  it('is not made in half, when one of its roles cannot be given', async () => {
    const email = `half-${randomUUID()}@example.com`;
    const refused = await call('POST', '/users', { email, roles: ['fine', 'not fine!'] });
    expect([refused.status, refused.body.error]).toEqual([422, 'invalid_role']);
    expect((await list(`?search=${email}`)).body.total).toBe(0);
  });

  it('is banned and let in again', async () => {
    const user = await server.signUp();
    const banned = await call('POST', `/users/${user.id}/ban`);
    expect([banned.status, banned.body.banned]).toEqual([200, true]);
    await expectShutOut(user);
    expect((await server.post('/auth/login', { email: user.email, password: PASSWORD })).body.error).toBe(
      'user_banned',
    );
    expect((await call('POST', `/users/${user.id}/unban`)).body.banned).toBe(false);
    await expectShutOut(user);
    expect((await server.post('/auth/login', { email: user.email, password: PASSWORD })).status).toBe(200);
  });

  it('is given roles and loses them', async () => {
    const user = await server.signUp();
    const given = await call('POST', `/users/${user.id}/roles`, { role: 'editor' });
    expect(given.body.roles).toEqual(['editor']);
    expect((await server.request('/auth/me', { bearer: user.accessToken })).body.error).toBe(
      'token_version_mismatch',
    );
    expect((await call('GET', `/users/${user.id}/roles`)).body).toEqual({ roles: ['editor'] });
    expect((await call('DELETE', `/users/${user.id}/roles/editor`)).status).toBe(204);
    const again = await call('DELETE', `/users/${user.id}/roles/editor`);
    expect([again.status, again.body.error]).toEqual([404, 'role_not_found']);
    expect((await call('POST', `/users/${user.id}/roles`, { role: '' })).body.error).toBe('invalid_role');
  });

  it('has its sessions listed and ended, one or all', async () => {
    const user = await server.signUp();
    const { body } = await server.post('/auth/login', { email: user.email, password: PASSWORD });
    const sessions = await call('GET', `/users/${user.id}/sessions`);
    expect(sessions.body.sessions).toHaveLength(2);
    expect((await call('DELETE', `/users/${user.id}/sessions/${user.sessionId}`)).status).toBe(204);
    await expectShutOut(user);
    expect((await server.request('/auth/me', { bearer: body.tokens.access_token })).status).toBe(200);
    const foreign = await call('DELETE', `/users/${user.id}/sessions/${admin.sessionId}`);
    expect([foreign.status, foreign.body.error]).toEqual([404, 'session_not_found']);
    expect((await call('DELETE', `/users/${user.id}/sessions`)).status).toBe(204);
    expect((await call('GET', `/users/${user.id}/sessions`)).body.sessions).toEqual([]);
  });

  it('is anonymised, or deleted for good', async () => {
    const user = await server.signUp();
    expect((await call('POST', `/users/${user.id}/unban`)).status).toBe(200);
    await call('POST', `/users/${user.id}/roles`, { role: 'editor' });
    expect((await call('DELETE', `/users/${user.id}`)).status).toBe(204);
    // What is left of the user is nothing; what the administrator did is on record, and from where.
    const { entries } = await server.authfort.listAuditEntries({ userId: user.id });
    const by = (whom: string) => entries.filter(({ actorId }) => actorId === whom).map(({ ip }) => ip);
    expect(by(admin.id)).toEqual(['127.0.0.1', '127.0.0.1']);
    expect(new Set(by(user.id))).toEqual(new Set([null]));
    await expectShutOut(user);
    const left = await call('GET', `/users/${user.id}`);
    expect(left.body).toMatchObject({ is_deleted: true, name: null, deleted_at: expect.any(String) });
    expect(left.body.email).not.toContain(user.email);
    expect((await call('DELETE', `/users/${user.id}`)).body.error).toBe('user_not_found');
    expect((await call('POST', `/users/${user.id}/ban`)).body.error).toBe('user_not_found');
    await server.signUp(user.email);
    expect((await call('DELETE', `/users/${user.id}?hard=true`)).status).toBe(204);
    expect((await call('GET', `/users/${user.id}`)).status).toBe(404);
  });

  it.each([
    ['GET', '/users/no-uuid'],
    ['GET', `/users/${randomUUID()}`],
    ['PATCH', '/users/1'],
    ['DELETE', '/users/..%2F..'],
    ['POST', `/users/${randomUUID()}/ban`],
    ['POST', '/users/x/unban'],
    ['GET', '/users/x/sessions'],
    ['DELETE', '/users/x/sessions/y'],
    ['GET', '/users/x/roles'],
    ['DELETE', '/users/x/roles/y'],
  ])('that does not exist is 404 for %s %s', async (method, path) => {
    const answer = await call(method, path, method === 'GET' ? undefined : {});
    expect([answer.status, answer.body.error]).toEqual([404, 'user_not_found']);
  });

  it.each([
    [{}, 'validation_error'],
    [{ email: 7 }, 'validation_error'],
    [{ email: 'x' }, 'invalid_email'],
    [{ email: 'a@example.com', roles: 'admin' }, 'validation_error'],
    [{ email: 'a@example.com', password: 'short' }, 'password_too_short'],
    [{ email: 'a@example.com', email_verified: 'yes' }, 'validation_error'],
  ])('is not made from %j', async (body, error) => {
    expect((await call('POST', '/users', body)).body.error).toBe(error);
  });
});
