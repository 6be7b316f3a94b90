import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { until } from './address.js';
import { AppProcess, type Environment, killAll } from './app-process.js';
import { isActive, logIn, refresh, request, type SignedIn, signUp } from './client.js';
import { authfort } from './command.js';
import { createSystemDatabase, databaseUrl, type SystemDatabase } from './database.js';

const REPLICAS = 10;
const SECRET = 'introspection-secret-of-the-replicas';

interface Key {
  kid: string;
  state: string;
}

let database: SystemDatabase;
let env: Environment;
let replicas: AppProcess[] = [];
let sql: pg.Client;

// The embedded database is for one process; replicas share a server.
(databaseUrl ? describe : describe.skip)('ten auth servers on one database', () => {
  beforeAll(async () => {
    database = await createSystemDatabase();
    env = {
      ...database.env,
      INTROSPECT_SECRET: SECRET,
      KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-replicas',
      RATE_LIMIT: 'off',
    };
    sql = new pg.Client({ connectionString: database.env.DATABASE_URL });
    await sql.connect();
    replicas = await Promise.all(
      Array.from({ length: REPLICAS }, () => AppProcess.start('auth-server', env)),
    );
  }, 180_000);

  afterAll(async () => {
    await killAll();
    await sql?.end();
    await database?.close();
  });

  it('started at once on nothing, end with one current and one next key, and all answer', async () => {
    expect((await keys()).map(({ state }) => state)).toEqual(['current', 'next']);
    for (const { url } of replicas) expect((await request(`${url}/health/ready`)).status).toBe(200);
    const published = await Promise.all(replicas.map(kidsPublishedBy));
    for (const kids of published) expect(kids).toEqual((await keys()).map(({ kid }) => kid).sort());
  });

  it('accept the tokens of each other, and refresh the sessions of each other', async () => {
    const users = await Promise.all(replicas.map(({ url }) => signUp(url)));
    await expectAllAccept(users);
    const refreshed = await Promise.all(users.map((user, at) => refresh(other(at).url, user.refreshToken)));
    await expectAllAccept(refreshed);
  });

  it('agree on one winner when two rotate the keys at once', async () => {
    const users = await Promise.all(replicas.map(({ url }) => signUp(url)));
    const [before] = await keys();
    await Promise.all([authfort('keys rotate', env), authfort('keys rotate', env)]);
    const after = await keys();
    expect(after.filter(({ state }) => state === 'current')).toHaveLength(1);
    expect(after.filter(({ state }) => state === 'next')).toHaveLength(1);
    expect(after).toContainEqual({ kid: before!.kid, state: 'retiring' });

    await expectAllAccept(users);
    const expected = after.map(({ kid }) => kid).sort();
    await until('all publish the new keys', 15_000, async () => {
      const published = await Promise.all(replicas.map(kidsPublishedBy));
      return published.every((kids) => kids.join() === expected.join()) || undefined;
    });
    await expectAllAccept(await Promise.all(users.map(({ email }, at) => logIn(other(at).url, email))));
  }, 60_000);

  it('know of a logout at once, wherever it was', async () => {
    const user = await signUp(replicas[0]!.url);
    await request(`${replicas[1]!.url}/auth/logout`, {
      method: 'POST',
      json: { refresh_token: user.refreshToken },
    });
    for (const { url } of replicas) {
      expect(await isActive(url, user.accessToken, SECRET)).toBe(false);
      expect((await request(`${url}/auth/me`, { bearer: user.accessToken })).status).toBe(401);
    }
  });
});

async function keys(): Promise<Key[]> {
  const { rows } = await sql.query<Key>('SELECT kid, state FROM authfort_signing_keys ORDER BY state');
  return rows;
}

async function kidsPublishedBy({ url }: AppProcess): Promise<string[]> {
  const { body } = await request(`${url}/.well-known/jwks.json`);
  return (body as { keys: Key[] }).keys.map(({ kid }) => kid).sort();
}

function other(index: number): AppProcess {
  return replicas[(index + 1) % REPLICAS]!;
}

/** Each token at each replica. One after the other: ten full pools would ask for more connections than PostgreSQL has by default. */
async function expectAllAccept(users: SignedIn[]): Promise<void> {
  await Promise.all(
    replicas.map(async ({ url }) => {
      for (const { accessToken } of users) {
        expect((await request(`${url}/auth/me`, { bearer: accessToken })).status).toBe(200);
      }
    }),
  );
}
