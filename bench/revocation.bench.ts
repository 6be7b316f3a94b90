import { AppProcess, killAll } from '../test/system/app-process.js';
import { LoadBalancer } from '../test/system/load-balancer.js';
import { type BenchOptions, progress, withDatabase } from './bench-database.js';
import { table, writeChart, writeResults } from './report.js';
import { type Ban, BannedUsers, percentile } from './revocation.cases.js';

const NAME = 'revocation';
const SERVICES = 10;
const BANS = Number(process.env.BENCH_BANS ?? 1000);
const KILLS = Number(process.env.BENCH_KILLS ?? 20);
/** One after the other, from just before a kill until after it. */
const BANS_A_KILL = 15;
const LIMIT_MS = 1000;

/**
 * How soon a ban reaches every service: ten processes of the orders app follow the feed of two auth servers behind a load balancer, and
 * are asked with the token of the banned user until the last one refuses it. Then the same while the auth servers are killed in turn.
 */
export function run({ databaseUrl }: BenchOptions): Promise<boolean> {
  return withDatabase(databaseUrl, async (url) => {
    const fleet = await Fleet.start(url);
    try {
      const calm = await measure(fleet, BANS, 'bans');
      const stormy = await measureKills(fleet);
      return report(calm, stormy);
    } finally {
      await fleet.stop();
    }
  });
}

class Fleet {
  readonly admin = { email: 'admin@example.com', password: 'correct horse battery staple' };
  private constructor(
    readonly auth: AppProcess[],
    readonly services: readonly AppProcess[],
    readonly balancer: LoadBalancer,
    private readonly env: Record<string, string>,
  ) {}

  static async start(databaseUrl: string): Promise<Fleet> {
    const secret = 'introspection-secret-of-the-bench';
    const env = {
      DATABASE_URL: databaseUrl,
      INTROSPECT_SECRET: secret,
      KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-bench',
      RATE_LIMIT: 'off',
      DEMO_ADMIN_EMAIL: 'admin@example.com',
      DEMO_ADMIN_PASSWORD: 'correct horse battery staple',
    };
    progress(`starting 2 auth servers and ${SERVICES} services`);
    const auth = [await AppProcess.start('auth-server', env), await AppProcess.start('auth-server', env)];
    const balancer = await LoadBalancer.start(auth.map(({ url }) => url));
    const ordersEnv = {
      JWKS_URL: `${balancer.url}/.well-known/jwks.json`,
      INTROSPECT_SECRET: secret,
    };
    const services = await Promise.all(
      Array.from({ length: SERVICES }, () => AppProcess.start('orders', ordersEnv)),
    );
    return new Fleet(auth, services, balancer, env);
  }

  /** Kills an auth server as a power cut would, and starts it again at its address. */
  async kill(index: number): Promise<void> {
    const victim = this.auth[index]!;
    await new Promise((resolve) => setTimeout(resolve, 200));
    await victim.kill();
    this.auth[index] = await AppProcess.start('auth-server', this.env, victim.port);
    while (!this.balancer.takes(victim.url)) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  async stop(): Promise<void> {
    await this.balancer.close();
    await killAll();
  }
}

async function measure(fleet: Fleet, bans: number, what: string): Promise<Ban[]> {
  const users = await BannedUsers.signUp(fleet.balancer.url, fleet.admin, bans, progress);
  const services = fleet.services.map(({ url }) => url);
  const results: Ban[] = [];
  for (let n = 0; n < bans; n += 1) {
    results.push(await users.ban(services));
    if ((n + 1) % 100 === 0) progress(`${n + 1} of ${bans} ${what}`);
  }
  return results;
}

/** Bans go on while one of the two auth servers after the other dies; who bans asks again when its request is lost. */
async function measureKills(fleet: Fleet): Promise<Ban[]> {
  const users = await BannedUsers.signUp(fleet.balancer.url, fleet.admin, KILLS * BANS_A_KILL, progress);
  const services = fleet.services.map(({ url }) => url);
  const results: Ban[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const begun = results.length;
    const banning = (async () => {
      while (results.length - begun < BANS_A_KILL) results.push(await users.ban(services));
    })();
    await Promise.all([fleet.kill(kill % 2), banning]);
    progress(`kill ${kill + 1} of ${KILLS}`);
  }
  return results;
}

function report(calm: readonly Ban[], stormy: readonly Ban[]): boolean {
  const summary = (name: string, bans: readonly Ban[]) => {
    const took = bans.flatMap(({ milliseconds }) => milliseconds ?? []);
    return {
      name,
      bans: bans.length,
      missed: bans.length - took.length,
      p50: percentile(took, 0.5),
      p99: percentile(took, 0.99),
      most: Math.max(...took),
    };
  };
  const rows = [summary('calm', calm), summary(`${KILLS} auth servers killed`, stormy)];
  console.log(
    table(
      ['', 'bans', 'missed', 'p50 ms', 'p99 ms', 'most ms'],
      rows.map(({ name, bans, missed, p50, p99, most }) => [
        name,
        String(bans),
        String(missed),
        p50,
        p99,
        most,
      ]),
    ),
  );
  writeResults(NAME, { services: SERVICES, kills: KILLS, limitMs: LIMIT_MS, results: rows });
  writeChart(
    NAME,
    `From the answer to a ban until the last of ${SERVICES} services refuses, in ms`,
    rows.flatMap(({ name, p50, p99 }) => [
      { name: `${name}, p50`, value: p50 },
      { name: `${name}, p99`, value: p99 },
    ]),
    LIMIT_MS,
  );
  return rows[0]!.p99 < LIMIT_MS && rows.every(({ missed }) => missed === 0);
}
