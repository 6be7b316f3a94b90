import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { type Answer, PASSWORD, startServer, type TestServer } from '../harness.js';

const { DATABASE_URL } = process.env;
/** How many accounts end in each way. The embedded database has one connection, so no statement can wait for another. */
const ACCOUNTS = Number(process.env.DELETIONS ?? (DATABASE_URL ? 5 : 1));
const SESSIONS = 5;

let server: TestServer;
let admin: string;

beforeAll(async () => {
  server = await startServer();
  const { id, email } = await server.signUp();
  await server.authfort.addRole(id, 'admin');
  admin = (await signIn(email)).access_token;
});
afterAll(() => server.close());

async function signIn(email: string): Promise<{ access_token: string; refresh_token: string }> {
  return (await server.post('/auth/login', { email, password: PASSWORD })).body.tokens;
}

/** Refreshes a session until it ends, twice at a time, as two tabs do. */
async function keepRefreshing(token: string, stopped: () => boolean, seen: Answer[]): Promise<void> {
  let next = token;
  while (!stopped()) {
    const refresh = () => server.post('/auth/refresh', { refresh_token: next });
    const answers = await Promise.all([refresh(), refresh()]);
    seen.push(...answers);
    const good = answers.find(({ status }) => status === 200);
    if (!good) return;
    next = good.body.tokens.refresh_token;
  }
}

/** Waits until the refreshes are in progress. */
async function someRefreshes(seen: readonly Answer[]): Promise<void> {
  const enough = seen.length + 2 * SESSIONS;
  while (seen.length < enough) await new Promise((resolve) => setImmediate(resolve));
}

const call = (method: string, path: string, json?: unknown) =>
  server.request(`/auth/admin/users/${path}`, { method, json, bearer: admin });

const ENDS: Record<string, (id: string) => Promise<Answer>> = {
  'hard deletion': (id) => call('DELETE', `${id}?hard=true`),
  deletion: (id) => call('DELETE', id),
  ban: (id) => call('POST', `${id}/ban`),
  'end of all sessions': (id) => call('DELETE', `${id}/sessions`),
  'change of a role': (id) => call('POST', `${id}/roles`, { role: 'editor' }),
};

it.each(Object.keys(ENDS))('%s while the user refreshes in five sessions succeeds', async (name) => {
  const ends: number[] = [];
  const others: Answer[] = [];
  for (let n = 0; n < ACCOUNTS; n += 1) {
    const { id, email } = await server.signUp(`${randomUUID()}@example.com`);
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => signIn(email)));
    let stopped = false;
    const users = sessions.map(({ refresh_token }) => keepRefreshing(refresh_token, () => stopped, others));
    await someRefreshes(others);
    ends.push((await ENDS[name]!(id)).status);
    stopped = true;
    await Promise.all(users);
  }
  expect(others.filter(({ status }) => status >= 500).map(({ text }) => text)).toEqual([]);
  expect(ends).toEqual(Array(ACCOUNTS).fill(/ban|role/.test(name) ? 200 : 204));
});

(DATABASE_URL ? it : it.skip).each(Object.keys(ENDS))(
  '%s among everything else that an account goes through succeeds',
  async (name) => {
    const ends: number[] = [];
    const others: Answer[] = [];
    for (let n = 0; n < ACCOUNTS; n += 1) {
      const { id, email } = await server.signUp(`${randomUUID()}@example.com`);
      const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => signIn(email)));
      const spare = await signIn(email);
      let stopped = false;
      const users = sessions.map(({ refresh_token }) => keepRefreshing(refresh_token, () => stopped, others));
      await someRefreshes(others);
      const beside = [
        server.post('/auth/login', { email, password: PASSWORD }),
        server.post('/auth/logout', { refresh_token: spare.refresh_token }),
        server.request('/auth/sessions?keep=current', { method: 'DELETE', bearer: spare.access_token }),
        server.post('/auth/forgot-password', { email }),
        server.post('/auth/magic-link', { email }),
        call('POST', `${id}/roles`, { role: `role-${n}` }),
        call('PATCH', id, { name: 'Ada', email: `new-${email}` }),
      ];
      const end = ENDS[name]!(id);
      beside.push(call('DELETE', `${id}/sessions`), call('DELETE', `${id}/roles/role-${n}`));
      ends.push((await end).status);
      others.push(...(await Promise.all(beside)));
      stopped = true;
      await Promise.all(users);
    }
    expect(others.filter(({ status }) => status >= 500).map(({ text }) => text)).toEqual([]);
    expect(ends).toEqual(Array(ACCOUNTS).fill(/ban|role/.test(name) ? 200 : 204));
  },
);

// A connection hands in its counters when it ends, at the latest.
(DATABASE_URL ? it : it.skip)('PostgreSQL has counted no deadlock', async () => {
  const [{ name }] = await server.dataSource.query('SELECT current_database() AS name');
  await server.app.close();
  const client = new pg.Client(DATABASE_URL);
  await client.connect();
  const { rows } = await client.query('SELECT deadlocks::int FROM pg_stat_database WHERE datname = $1', [
    name,
  ]);
  await client.end();
  expect(rows).toEqual([{ deadlocks: 0 }]);
});
