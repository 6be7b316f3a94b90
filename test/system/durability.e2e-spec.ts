import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, until } from './address.js';
import { AppProcess, killAll } from './app-process.js';
import { createSystemDatabase, type SystemDatabase } from './database.js';
import { brokenPromises, brokenRefresh, brokenSession } from './durability-checks.js';
import { type Account, Load } from './durability-load.js';

const SECRET = 'introspection-secret-of-the-crashes';
const ROUNDS = 2;
const WORKERS = 6;

let database: SystemDatabase;
let port: number;

beforeAll(async () => {
  database = await createSystemDatabase();
  port = await freePort();
});
afterAll(async () => {
  await killAll();
  await database?.close();
});

function startAuth(): Promise<AppProcess> {
  const env = {
    ...database.env,
    INTROSPECT_SECRET: SECRET,
    KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-crashes',
    RATE_LIMIT: 'off',
  };
  return AppProcess.start('auth-server', env, port);
}

describe('kill -9 of the auth server under load', () => {
  const accounts: Account[] = [];
  let auth: AppProcess;

  it.each(Array.from({ length: ROUNDS }, (_, index) => index + 1))(
    'breaks no promise (round %i)',
    async () => {
      auth ??= await startAuth();
      const load = new Load(auth.url);
      const target = randomInt(8, 60);
      const work = load.run(WORKERS);
      await Promise.race([
        work,
        until('the load has come far enough', 60_000, () => load.acknowledged >= target || undefined),
      ]);
      load.expectTheEnd();
      await auth.kill();
      await work;
      expect(load.acknowledged).toBeGreaterThanOrEqual(target);

      auth = await startAuth();
      expect(await brokenPromises(auth.url, SECRET, load.accounts)).toEqual([]);
      accounts.push(...load.accounts);
    },
    120_000,
  );

  it('revives no session that an earlier round has ended', async () => {
    const ended = accounts.filter(({ loggedOut }) => loggedOut);
    for (const account of ended) {
      expect(await brokenSession(auth.url, SECRET, account)).toEqual([]);
      expect(await brokenRefresh(auth.url, account)).toEqual([]);
    }
    expect(ended.length).toBeGreaterThan(0);
  }, 60_000);
});
