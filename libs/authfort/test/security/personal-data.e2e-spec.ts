import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
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
