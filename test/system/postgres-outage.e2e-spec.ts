import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { until } from './address.js';
import { AppProcess, killAll } from './app-process.js';
import { newEmail, PASSWORD, post, request } from './client.js';
import { brokenPromises } from './durability-checks.js';
import { type Ending, FleetLoad } from './fleet-load.js';
import { databaseUrl } from './database.js';
import { PrivatePostgres } from './private-postgres.js';

/** How often the database is restarted under load, and how many users there are. */
const RESTARTS = Number(process.env.OUTAGES ?? 2);
const WORKERS = 4;
const SECRET = 'introspection-secret-of-the-database';
/** What a statement may take, and a moment to say so. */
const BOUND_MS = 14_000;

let postgres: PrivatePostgres;
let auth: AppProcess;

// It takes a PostgreSQL that may be stopped: the programs have to be installed. With the other suites on PostgreSQL, for the time it takes.
(databaseUrl && PrivatePostgres.available ? describe : describe.skip)('a database in trouble', () => {
  beforeAll(async () => {
    postgres = await PrivatePostgres.start('max_connections=25');
    auth = await AppProcess.start('auth-server', {
      DATABASE_URL: postgres.url,
      INTROSPECT_SECRET: SECRET,
      KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-database',
      RATE_LIMIT: 'off',
    });
  }, 120_000);

  afterAll(async () => {
    await FleetLoad.stopAll();
    await killAll();
    await postgres?.close();
  });

  const ready = async () => (await request(`${auth.url}/health/ready`)).status === 200 || undefined;

  it(`that is restarted ${RESTARTS} times under load: no promise broken, nothing but 503 meanwhile, back within 5 s`, async () => {
    const load = new FleetLoad(auth.url).start(WORKERS);
    const pauses: number[] = [];
    for (let count = 0; count < RESTARTS; count += 1) {
      await moreSuccesses(load, 40);
      await postgres.stop(count % 2 ? 'fast' : 'immediate');
      await until('somebody is refused', 5000, () => load.endings.at(-1)?.status === 503 || undefined);
      expect((await request(`${auth.url}/health/live`)).status).toBe(200);
      expect((await request(`${auth.url}/health/ready`)).status).toBe(503);
      expect((await request(`${auth.url}/.well-known/jwks.json`)).status).toBe(200);
      await postgres.start();
      const startedAt = performance.now();
      await moreSuccesses(load, 10);
      pauses.push(performance.now() - startedAt);
    }
    await load.stop();
    expect(Math.max(...pauses)).toBeLessThan(5000);
    expectOnlyUnavailable(load.failures, BOUND_MS);
    expect(await brokenPromises(auth.url, SECRET, load.accounts)).toEqual([]);
  }, 300_000);

  it('that hangs: waits end, and with it so does the trouble', async () => {
    const load = new FleetLoad(auth.url).start(WORKERS);
    await moreSuccesses(load, 20);
    const hungAt = performance.now();
    postgres.hang();
    const hanging = request(`${auth.url}/health/ready`);
    expect((await request(`${auth.url}/health/live`)).status).toBe(200);
    expect((await hanging).status).toBe(503);
    await until('somebody is refused', BOUND_MS, () => refusedSince(load, hungAt)[0]);
    expect((await request(`${auth.url}/.well-known/jwks.json`)).status).toBe(200);
    postgres.resume();
    const resumedAt = performance.now();
    await moreSuccesses(load, 10);
    expect(performance.now() - resumedAt).toBeLessThan(5000);
    await load.stop();
    expect(await until('it is ready', 5000, ready)).toBe(true);
    expectOnlyUnavailable(load.failures, BOUND_MS);
    expect(await brokenPromises(auth.url, SECRET, load.accounts)).toEqual([]);
  }, 120_000);

  it('that others have taken every connection of: 503, and well again when they leave', async () => {
    const others: pg.Client[] = [];
    const admin = await postgres.connect();
    const refused = await until('the server is refused', 10_000, async () => {
      // What the server holds is cut, so that it has to connect anew, and somebody else is sooner.
      await admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'authfort'`,
      );
      for (let full = false; !full;) {
        const another = await postgres.connect().catch(() => undefined);
        if (another) others.push(another);
        else full = true;
      }
      const answer = await post(`${auth.url}/auth/login`, { email: newEmail(), password: PASSWORD });
      return answer.status === 503 ? answer : undefined;
    });
    expect(refused.body).toMatchObject({ error: 'unavailable' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await request(`${auth.url}/health/ready`)).status).toBe(503);
    await Promise.all(others.map((other) => other.end()));
    await admin.end();
    expect(await until('it is ready', 5000, ready)).toBe(true);
    const load = new FleetLoad(auth.url).start(WORKERS);
    await moreSuccesses(load, 20);
    await load.stop();
    expect(load.failures).toEqual([]);
  }, 60_000);
});

function refusedSince(load: FleetLoad, since: number): Ending[] {
  return load.failures.filter(({ at, ms }) => at + ms > since);
}

async function moreSuccesses(load: FleetLoad, count: number): Promise<void> {
  const succeeded = () => load.endings.length - load.failures.length;
  const target = succeeded() + count;
  await until(`${count} more requests succeed`, 60_000, () => succeeded() >= target || undefined);
}

/** 401 would end sessions, 500 would say that somebody has to look, and no answer would keep people waiting. */
function expectOnlyUnavailable(failures: readonly Ending[], withinMs: number): void {
  const other = failures.filter(
    ({ status, text, retryAfter }) =>
      status !== 503 || !text.includes('"error":"unavailable"') || !(Number(retryAfter) > 0),
  );
  expect(other).toEqual([]);
  expect(failures.filter(({ ms }) => ms > withinMs)).toEqual([]);
}
