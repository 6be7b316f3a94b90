import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from './address.js';
import { AppProcess, type Environment, killAll } from './app-process.js';
import { request } from './client.js';
import { createSystemDatabase, databaseUrl, type SystemDatabase } from './database.js';
import { brokenPromises } from './durability-checks.js';
import { FleetLoad } from './fleet-load.js';
import { LoadBalancer } from './load-balancer.js';

const REPLICAS = 3;
/** How often each replica is restarted. */
const ROUNDS = Number(process.env.RESTARTS ?? 1);
const WORKERS = 4;
const SECRET = 'introspection-secret-of-the-restarts';

let database: SystemDatabase;
let env: Environment;
let replicas: AppProcess[];
let balancer: LoadBalancer;

// The embedded database is for one process; replicas share a server.
(databaseUrl ? describe : describe.skip)('replicas that are restarted in turn under load', () => {
  beforeAll(async () => {
    database = await createSystemDatabase();
    env = {
      ...database.env,
      INTROSPECT_SECRET: SECRET,
      KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-restarts',
      RATE_LIMIT: 'off',
      SHUTDOWN_DELAY_SECONDS: '1',
    };
    replicas = await Promise.all(
      Array.from({ length: REPLICAS }, () => AppProcess.start('auth-server', env)),
    );
    balancer = await LoadBalancer.start(replicas.map(({ url }) => url));
  }, 180_000);

  afterAll(async () => {
    await FleetLoad.stopAll();
    await balancer?.close();
    await killAll();
    await database?.close();
  });

  it('fail no request and lose no promise', async () => {
    const load = new FleetLoad(balancer.url).start(WORKERS);
    for (let restart = 0; restart < ROUNDS * REPLICAS; restart += 1) {
      const at = restart % REPLICAS;
      const before = load.endings.length;
      replicas[at] = await restarted(replicas[at]!);
      expect(load.endings.length).toBeGreaterThan(before);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    for (const what of ['sign-up', 'login', 'refresh', 'me', 'jwks', 'logout'])
      expect(load.endings.filter((ending) => ending.what === what).length).toBeGreaterThan(0);
    for (const { url } of replicas) expect(balancer.served.get(url)).toBeGreaterThan(0);
    expect(await brokenPromises(balancer.url, SECRET, load.accounts)).toEqual([]);
  }, 600_000);
});

/** Stops a replica, watches how it says so, and starts it again at its address. */
async function restarted(replica: AppProcess): Promise<AppProcess> {
  const { url, port } = replica;
  const ending = replica.stop();
  await until('it is not ready', 500, async () => {
    const { status, body, headers } = await request(`${url}/health/ready`);
    if (status === 200) return undefined;
    expect([status, body]).toEqual([503, { status: 'draining' }]);
    expect(headers.get('connection')).toBe('close');
    return true;
  });
  await until('it gets no more requests', 1000, () => !balancer.takes(url) || undefined);
  expect((await request(`${url}/health/live`)).status).toBe(200);
  const { code, signal, output } = await ending;
  expect([code, signal]).toEqual([0, null]);
  expect(output).not.toMatch(/ (ERROR|WARN) /);
  const again = await AppProcess.start('auth-server', env, port);
  await until('it gets requests again', 10_000, () => balancer.takes(url) || undefined);
  return again;
}
