import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OnAuthEvent } from 'authfort';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

/** Leaves every event in the outbox, as a webhook that is down would. */
class Failing {
  @OnAuthEvent('login', { durable: true })
  @OnAuthEvent('login_failed', { durable: true, group: 'failed' })
  @OnAuthEvent('user_created', { durable: true, group: 'created' })
  @OnAuthEvent('email_changed', { durable: true, group: 'changed' })
  @OnAuthEvent('session_revoked', { durable: true, group: 'revoked' })
  fail(): void {
    throw new Error('not now');
  }
}

let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    providers: [Failing],
    options: { passwordPolicy: { history: 3 }, trustedProxies: ['loopback'] },
  });
});
afterAll(() => server.close());

/** Where any of the texts stands, in every column of every table, secrets and logs included. */
async function whereabouts(texts: string[]): Promise<string[]> {
  const tables: { name: string }[] = await server.dataSource.query(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_name LIKE 'authfort%' AND table_type = 'BASE TABLE'`,
  );
  expect(tables.length).toBeGreaterThan(8);
  const found: string[] = [];
  for (const { name } of tables) {
    const rows: { row: string }[] = await server.dataSource.query(
      `SELECT to_jsonb(t)::text AS row FROM ${name} t`,
    );
    for (const text of texts)
      if (rows.some(({ row }) => row.toLowerCase().includes(text.toLowerCase())))
        found.push(`${name}: ${text}`);
  }
  return found;
}

it.each(['self', 'admin', 'hard'])(
  'is in no table any more after a deletion (%s), whatever the account went through',
  async (by) => {
    const mark = randomUUID().slice(0, 8);
    const email = `first-${mark}@example.com`;
    const later = `later-${mark}@example.com`;
    const personal = [mark, `Agent/${mark}`, `Nomen ${mark}`, '203.0.113.77', '+1 555 0177'];
    const headers = { 'user-agent': `Agent/${mark}`, 'x-forwarded-for': '203.0.113.77' };
    const post = (path: string, json: unknown, bearer?: string) =>
      server.post(path, json, { headers, bearer });

    const signedUp = await post('/auth/signup', {
      email,
      password: PASSWORD,
      name: `Nomen ${mark}`,
      phone: '+1 555 0177',
      avatar_url: `https://example.com/${mark}.png`,
    });
    const { id } = signedUp.body.user;
    await post('/auth/login', { email, password: 'a wrong password' });
    await post('/auth/otp', { email });
    await post('/auth/magic-link', { email });
    await server.mailTo(email);
    const bearer: string = signedUp.body.tokens.access_token;
    await post('/auth/change-password', { old_password: PASSWORD, new_password: `${PASSWORD} 2` }, bearer);
    await server.authfort.updateUser(id, { email: later });
    const again = await post('/auth/login', { email: later, password: `${PASSWORD} 2` });
    const token: string = again.body.tokens.access_token;
    await post('/auth/forgot-password', { email: later });
    await server.mailTo(later);
    // These two wait in the outbox for a mail server that is down.
    const { send } = server.mail;
    server.mail.send = () => Promise.reject(new Error('down'));
    await post('/auth/email-change', { email: `third-${mark}@example.com` }, token);
    await post('/auth/forgot-password', { email: later });
    await server.mailTo(later);
    server.mail.send = send;
    expect(await whereabouts([mark, '203.0.113.77'])).not.toEqual([]);

    if (by === 'self') {
      const gone = await server.request('/auth/me', { method: 'DELETE', bearer: token, headers });
      expect(gone.status).toBe(204);
    } else await server.authfort.deleteUser(id, { hard: by === 'hard' });
    await server.mailTo(later);
    expect(await whereabouts(personal)).toEqual([]);
  },
);

describe.each([false, true])('an address that two accounts have had (hard: %p)', (hard) => {
  /** The first account gave the address up; the second took it, and then changed it too. */
  async function history(mark: string) {
    const shared = `shared-${mark}@example.com`;
    const first = await server.authfort.createUser({ email: shared });
    await server.authfort.updateUser(first.id, { email: `first-${mark}@example.com` });
    const second = await server.authfort.createUser({ email: shared });
    // These wait for a mail server that is down, and hold the address too.
    const { send } = server.mail;
    server.mail.send = () => Promise.reject(new Error('down'));
    await server.authfort.updateUser(second.id, { email: `second-${mark}@example.com` });
    await server.mailTo(shared);
    return { shared, first, second, up: () => (server.mail.send = send) };
  }

  it('is in no table after the deletion of the account that has it', async () => {
    const mark = randomUUID().slice(0, 8);
    const { shared, first, second, up } = await history(mark);
    await server.authfort.updateUser(second.id, { email: shared });
    await server.authfort.deleteUser(second.id, { hard });
    up();
    expect(await whereabouts([shared, 'second-'])).toEqual([]);
    // What concerns the first account alone stays.
    const { entries } = await server.authfort.listAuditEntries({ userId: first.id, action: 'email_changed' });
    expect(entries.map(({ detail }) => detail)).toEqual([{ newEmail: `first-${mark}@example.com` }]);
    await server.authfort.deleteUser(first.id, { hard });
    expect(await whereabouts([mark])).toEqual([]);
  });

  it('is in no entry of the audit log after the deletion of the account that had it', async () => {
    const mark = randomUUID().slice(0, 8);
    const { shared, second, up } = await history(mark);
    await server.authfort.deleteUser(second.id, { hard });
    up();
    // An event about the first account that was not delivered yet is not the business of the second.
    const found = await whereabouts([shared, 'second-']);
    expect(found.filter((where) => !where.startsWith('authfort_outbox: shared-'))).toEqual([]);
  });

  it('is not told to somebody else in a mail that waits', async () => {
    const mark = randomUUID().slice(0, 8);
    const wanted = `wanted-${mark}@example.com`;
    const user = await server.signUp();
    const { send } = server.mail;
    server.mail.send = () => Promise.reject(new Error('down'));
    const change = { email: wanted, password: PASSWORD };
    await server.post('/auth/email-change', change, { bearer: user.accessToken });
    await server.mailTo(wanted);
    const { id } = await server.authfort.createUser({ email: wanted });
    await server.authfort.deleteUser(id, { hard });
    server.mail.send = send;
    expect(await whereabouts([mark])).toEqual([]);
    server.clock.advance(5);
    expect(await server.mailTo(user.email)).toMatch(/asked to change its e-mail address to …/);
  });
});

it('is in the export of the user concerned, and not in the export of the administrator', async () => {
  const [user, admin] = [await server.signUp(), await server.signUp()];
  await server.authfort.addRole(admin.id, 'admin');
  const signIn = async (email: string): Promise<string> =>
    (await server.post('/auth/login', { email, password: PASSWORD })).body.tokens.access_token;
  const email = `new-${user.email}`;
  await server.request(`/auth/admin/users/${user.id}`, {
    method: 'PATCH',
    json: { email },
    bearer: await signIn(admin.email),
  });
  const exported = async (address: string) => {
    const { body } = await server.request('/auth/me/export', { bearer: await signIn(address) });
    return body.audit_log
      .filter(({ action }: { action: string }) => action === 'email_changed')
      .map(({ detail }: { detail: object }) => detail);
  };
  expect(await exported(email)).toEqual([{ old_email: user.email, new_email: email }]);
  expect(await exported(admin.email)).toEqual([{}]);
});
