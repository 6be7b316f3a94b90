import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from './address.js';
import { AppProcess, type Environment, killAll } from './app-process.js';
import { CachingProxy } from './caching-proxy.js';
import { refresh, request, type SignedIn, signUp } from './client.js';
import { authfort } from './command.js';
import { createSystemDatabase, databaseUrl, type SystemDatabase } from './database.js';
import { FleetLoad } from './fleet-load.js';
import { LoadBalancer } from './load-balancer.js';

/** How long the keys are rotated, and how often. A key signs 77 s after it was published; so long it takes to see that one waits. */
const SECONDS = Number(process.env.ROTATION_SECONDS ?? 15);
const EVERY_SECONDS = 5;
const SECRET = 'introspection-secret-of-the-rotation';

let database: SystemDatabase;
let env: Environment;
let replicas: AppProcess[];
let balancer: LoadBalancer;
let cache: CachingProxy;
let orders: AppProcess;

// The embedded database is for one process; replicas and the command share a server.
(databaseUrl ? describe : describe.skip)('two auth servers and a service behind a cache', () => {
  beforeAll(async () => {
    database = await createSystemDatabase();
    env = {
      ...database.env,
      INTROSPECT_SECRET: SECRET,
      KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-rotation',
      RATE_LIMIT: 'off',
    };
    replicas = await Promise.all([1, 2].map(() => AppProcess.start('auth-server', env)));
    balancer = await LoadBalancer.start(replicas.map(({ url }) => url));
    cache = await CachingProxy.start(`${balancer.url}/.well-known/jwks.json`);
    orders = await AppProcess.start('orders', { JWKS_URL: cache.url, INTROSPECT_SECRET: SECRET });
  }, 180_000);

  afterAll(async () => {
    await FleetLoad.stopAll();
    await killAll();
    await cache?.close();
    await balancer?.close();
    await database?.close();
  });

  it(`fail no request while the keys are rotated every ${EVERY_SECONDS} s for ${SECONDS} s`, async () => {
    const load = new FleetLoad(balancer.url).start(2);
    const tokens = new Tokens(await signUp(balancer.url));
    const asking = tokens.ask();
    const startedAt = performance.now();
    const elapsed = () => (performance.now() - startedAt) / 1000;
    const [rotations, rotatedAt]: [Promise<void>[], number[]] = [[], []];
    while (elapsed() < SECONDS) {
      // On a slow machine one may take longer than that.
      rotations.push(authfort('keys rotate', env).then(() => void rotatedAt.push(elapsed())));
      await until(
        'the next rotation',
        60_000,
        () => elapsed() >= rotations.length * EVERY_SECONDS || undefined,
      );
    }
    await Promise.all(rotations);
    // The first two keys may sign at once, every other one 77 s after its publication.
    const signers = 2 + rotatedAt.filter((at) => at < SECONDS - 90).length;
    await until('the new keys sign', 30_000, () => tokens.kids.size >= signers || undefined);
    tokens.stop();
    await asking;
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(tokens.failures).toEqual([]);
    expect(tokens.asked).toBeGreaterThan(SECONDS * 5);
    expect(cache.misses).toBeLessThanOrEqual(2 + Math.ceil(SECONDS / 60));
  }, 1_200_000);
});

/** One session that is refreshed again and again; its tokens, old and new, are shown to the service and the auth servers. */
class Tokens {
  readonly kids = new Set<string>();
  readonly failures: string[] = [];
  asked = 0;
  private readonly all: string[] = [];
  private stopping = false;

  constructor(private user: SignedIn) {
    this.kids.add(kidOf(user.accessToken));
  }

  stop(): void {
    this.stopping = true;
  }

  async ask(): Promise<void> {
    for (let turn = 0; !this.stopping; turn += 1) {
      this.user = await refresh(balancer.url, this.user.refreshToken);
      const { accessToken } = this.user;
      this.kids.add(kidOf(accessToken));
      if (turn % 5 === 0) this.all.push(accessToken);
      await Promise.all(
        [accessToken, this.all[0]!, this.all[turn % this.all.length]!].flatMap((token) => [
          this.show(token, `${orders.url}/api/orders`),
          this.show(token, `${replicas[turn % 2]!.url}/auth/me`),
        ]),
      );
    }
  }

  private async show(token: string, url: string): Promise<void> {
    this.asked += 1;
    const { status, text } = await request(url, { bearer: token });
    if (status !== 200) this.failures.push(`${url} ${kidOf(token)}: ${status} ${text}`);
  }
}

function kidOf(token: string): string {
  return (JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { kid: string }).kid;
}
