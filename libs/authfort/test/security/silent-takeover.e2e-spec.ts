import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { settleOutbox } from 'authfort/testing';
import { PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

let server: TestServer;
let admin: SignedUp;

beforeAll(async () => {
  server = await startServer();
  admin = await server.signUp(`root-${randomUUID()}@example.com`);
  await server.authfort.addRole(admin.id, 'admin');
  const { body } = await server.post('/auth/login', { email: admin.email, password: PASSWORD });
  admin.accessToken = body.tokens.access_token;
});
afterAll(() => server.close());

type Change = (user: SignedUp, email: string) => Promise<unknown>;
const patch: Change = ({ id }, email) =>
  server.request(`/auth/admin/users/${id}`, { method: 'PATCH', json: { email }, bearer: admin.accessToken });
const CHANGES: Record<string, Change> = {
  'its owner': async (user, email) => {
    await server.post('/auth/email-change', { email, password: PASSWORD }, { bearer: user.accessToken });
    const token = await server.tokenFor(email);
    await server.post('/auth/email-change/confirm', { token });
  },
  'an administrator': patch,
  code: ({ id }, email) => server.authfort.updateUser(id, { email }),
};

async function mailsTo(address: string) {
  await settleOutbox(server.app);
  return server.mail.mails.filter(({ to }) => to === address);
}

describe.each(Object.keys(CHANGES))('a change of the address by %s', (actor) => {
  it.each([true, false])('is mailed to the old address (confirmed: %p)', async (confirmed) => {
    const user = await server.signUp();
    if (confirmed) await server.authfort.verifyEmail(await server.tokenFor(user.email));
    const email = `new-${user.email}`;
    await CHANGES[actor]!(user, email);
    expect((await server.authfort.getUser(user.id)).email).toBe(email);
    const told = (await mailsTo(user.email)).filter(
      ({ subject }) => subject === 'Your e-mail address was changed',
    );
    expect(told).toHaveLength(1);
    expect(told[0]!.text).toContain(email);
    expect((await mailsTo(email)).filter(({ subject }) => /was changed/.test(subject))).toEqual([]);
  });

  it('is in the audit log with both addresses', async () => {
    const user = await server.signUp();
    const email = `new-${user.email}`;
    await CHANGES[actor]!(user, email);
    const path = `/auth/admin/audit?user_id=${user.id}&action=email_changed`;
    const { body } = await server.request(path, { bearer: admin.accessToken });
    expect(body.entries).toEqual([
      expect.objectContaining({
        actor_id: { 'its owner': user.id, 'an administrator': admin.id, code: null }[actor],
        detail: { old_email: user.email, new_email: email },
      }),
    ]);
    const { entries } = await server.authfort.listAuditEntries({ userId: user.id, action: 'email_changed' });
    expect(entries[0]!.detail).toEqual({ oldEmail: user.email, newEmail: email });
  });
});

describe('a takeover', () => {
  it('is mailed also when a ban follows, in the language of the request', async () => {
    const user = await server.signUp();
    await server.request(`/auth/admin/users/${user.id}`, {
      method: 'PATCH',
      json: { email: `new-${user.email}` },
      bearer: admin.accessToken,
      headers: { 'accept-language': 'de' },
    });
    await server.authfort.banUser(user.id);
    expect((await mailsTo(user.email)).at(-1)!.subject).toBe('Ihre E-Mail-Adresse wurde geändert');
  });

  it('that fails is not mailed', async () => {
    const [user, other] = [await server.signUp(), await server.signUp()];
    expect(await patch(user, other.email)).toMatchObject({ status: 409 });
    const before = (await mailsTo(user.email)).length;
    await patch(user, user.email.toUpperCase());
    expect(await mailsTo(user.email)).toHaveLength(before);
    expect((await mailsTo(user.email)).filter(({ subject }) => /changed/.test(subject))).toEqual([]);
  });

  it('by a new password is mailed, for every way to set it', async () => {
    const next = `${PASSWORD} 2`;
    const ways: ((user: SignedUp) => Promise<unknown>)[] = [
      (user) =>
        server.post(
          '/auth/change-password',
          { old_password: PASSWORD, new_password: next },
          { bearer: user.accessToken },
        ),
      async (user) => {
        await server.post('/auth/forgot-password', { email: user.email });
        await server.post('/auth/reset-password', {
          token: await server.tokenFor(user.email),
          new_password: next,
        });
      },
      (user) => server.authfort.changePassword(user.id, PASSWORD, next),
      async (user) =>
        server.authfort.resetPassword((await server.authfort.createPasswordResetToken(user.email))!, next),
    ];
    for (const change of ways) {
      const user = await server.signUp();
      await change(user);
      await server.authfort.login(user.email, next);
      await server.authfort.banUser(user.id);
      const told = (await mailsTo(user.email)).filter(
        ({ subject }) => subject === 'Your password was changed',
      );
      expect(told).toHaveLength(1);
    }
    const email = `${randomUUID()}@example.com`;
    const { id } = await server.authfort.createUser({ email });
    await server.authfort.setPassword(id, next);
    expect((await mailsTo(email)).map(({ subject }) => subject)).toEqual(['Your password was changed']);
  });
});

it('records the changes of every other act of an administrator', async () => {
  const { id } = await server.signUp();
  const call = (method: string, path: string, json?: unknown) =>
    server.request(`/auth/admin${path}`, { method, json, bearer: admin.accessToken });
  await call('POST', `/users/${id}/roles`, { role: 'editor' });
  await call('DELETE', `/users/${id}/roles/editor`);
  await call('PATCH', `/users/${id}`, { name: 'Ada', phone: '+1 555 0100' });
  await call('PATCH', `/users/${id}`, { email_verified: true });
  await call('PATCH', `/users/${id}`, { email_verified: false });
  await call('POST', `/users/${id}/ban`);
  await call('POST', `/users/${id}/unban`);
  await call('PUT', '/roles/editor/permissions/articles.write');
  await call('DELETE', '/roles/editor/permissions/articles.write');
  const { body } = await call('GET', `/audit?actor_id=${admin.id}&limit=10`);
  expect(
    body.entries.map(({ action, detail }: { action: string; detail: object }) => [action, detail]),
  ).toEqual([
    ['permission_withdrawn', { role: 'editor', permission: 'articles.write' }],
    ['permission_granted', { role: 'editor', permission: 'articles.write' }],
    ['user_unbanned', {}],
    ['user_banned', {}],
    ['session_revoked', {}],
    ['user_updated', { fields: ['emailVerified'] }],
    ['email_verified', {}],
    ['user_updated', { fields: ['name', 'phone'] }],
    ['role_removed', { role: 'editor' }],
    ['role_added', { role: 'editor' }],
  ]);
});

it('records the changes of code, without an actor', async () => {
  const { authfort } = server;
  const { entries: earlier } = await authfort.listAuditEntries({ limit: 1 });
  const { id } = await authfort.createUser({ email: `${randomUUID()}@example.com`, roles: ['editor'] });
  await authfort.setPassword(id, PASSWORD);
  await authfort.updateUser(id, { name: 'Ada', emailVerified: true });
  await authfort.login((await authfort.getUser(id)).email, PASSWORD);
  await authfort.revokeAllSessions(id);
  await authfort.changePassword(id, PASSWORD, `${PASSWORD} 2`);
  await authfort.removeRole(id, 'editor');
  await authfort.banUser(id);
  await authfort.unbanUser(id);
  await authfort.grantPermission('editor', 'articles.read');
  await authfort.withdrawPermission('editor', 'articles.read');
  const { keys } = JSON.parse(authfort.getJwks().body) as { keys: { kid: string }[] };
  await authfort.rotateKey();
  await authfort.compromiseKey(keys[0]!.kid);
  await authfort.deleteUser(id, { hard: true });
  const { entries } = await authfort.listAuditEntries({ limit: 50 });
  const acts = entries
    .slice(
      0,
      entries.findIndex((entry) => entry.id === earlier[0]!.id),
    )
    .reverse();
  expect(acts.map(({ action }) => action)).toEqual([
    'user_created',
    'role_added',
    'password_set',
    'email_verified',
    'user_updated',
    'login',
    'session_revoked',
    'password_changed',
    'role_removed',
    'user_banned',
    'user_unbanned',
    'permission_granted',
    'permission_withdrawn',
    'key_rotated',
    'key_compromised',
    'user_deleted',
  ]);
  expect(acts.filter(({ actorId, detail }) => actorId !== null || 'via' in detail)).toEqual([]);
});
