import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, until } from './address.js';
import { AppProcess, killAll } from './app-process.js';
import { isActive, PASSWORD, post } from './client.js';
import { createSystemDatabase, type SystemDatabase } from './database.js';
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

/** A lost answer may be asked for again, for 30 s; so this comes first. */
async function brokenRefresh(url: string, account: Account): Promise<string[]> {
  const { email, refreshToken, signedUp, loggedOut, pending } = account;
  if (!signedUp) return [];
  const { status } = await post(`${url}/auth/refresh`, { refresh_token: refreshToken });
  const allowed = loggedOut ? [401] : pending === 'logout' ? [200, 401] : [200];
  return allowed.includes(status) ? [] : [`${email}: refresh answered ${status}`];
}

async function brokenSession(url: string, account: Account): Promise<string[]> {
  const { email, accessToken, signedUp, loggedOut, pending } = account;
  if (!signedUp || pending === 'logout') return [];
  const active = await isActive(url, accessToken, SECRET);
  return active === !loggedOut ? [] : [`${email}: ${loggedOut ? 'active after logout' : 'session is gone'}`];
}

async function brokenSignUp(url: string, { email, signedUp }: Account): Promise<string[]> {
  const { status } = await post(`${url}/auth/login`, { email, password: PASSWORD });
  return (signedUp ? [200] : [200, 401]).includes(status) ? [] : [`${email}: login answered ${status}`];
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
      const broken: string[] = [];
      for (const check of [brokenRefresh, brokenSession, brokenSignUp]) {
        for (const account of load.accounts) broken.push(...(await check(auth.url, account)));
      }
      expect(broken).toEqual([]);
      accounts.push(...load.accounts);
    },
    120_000,
  );

  it('revives no session that an earlier round has ended', async () => {
    const ended = accounts.filter(({ loggedOut }) => loggedOut);
    for (const account of ended) {
      expect(await brokenSession(auth.url, account)).toEqual([]);
      expect(await brokenRefresh(auth.url, account)).toEqual([]);
    }
    expect(ended.length).toBeGreaterThan(0);
  }, 60_000);
});
