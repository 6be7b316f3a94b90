import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppProcess, type Environment, killAll } from './app-process.js';
import { newEmail, PASSWORD, post, request, signUp } from './client.js';
import { createSystemDatabase, databaseUrl, type SystemDatabase } from './database.js';
import { FleetLoad } from './fleet-load.js';
import { Haproxy } from './haproxy.js';
import { PrivateRedis } from './private-redis.js';

const REPLICAS = 3;
const SECRET = 'introspection-secret-behind-haproxy';

let database: SystemDatabase;
let env: Environment;
let replicas: AppProcess[];
let proxy: Haproxy;
let redis: PrivateRedis;

// The embedded database is for one process, and HAProxy is not everywhere.
(databaseUrl && Haproxy.installed && PrivateRedis.available ? describe : describe.skip)(
  'three auth servers behind HAProxy',
  () => {
    beforeAll(async () => {
      [database, redis] = await Promise.all([createSystemDatabase(), PrivateRedis.start()]);
      env = {
        ...database.env,
        INTROSPECT_SECRET: SECRET,
        KEY_ENCRYPTION_SECRET: 'key-encryption-secret-behind-haproxy',
        REDIS_URL: redis.url,
        TRUSTED_PROXIES: '127.0.0.1',
        SHUTDOWN_DELAY_SECONDS: '4',
      };
      replicas = await Promise.all(
        Array.from({ length: REPLICAS }, () => AppProcess.start('auth-server', env)),
      );
      proxy = await Haproxy.start(replicas.map(({ url }) => url));
    }, 180_000);

    afterAll(async () => {
      await FleetLoad.stopAll();
      await proxy?.close();
      await killAll();
      await redis?.stop();
      await database?.close();
    });

    it('serve the JWKS from the proxy’s cache', async () => {
      for (const url of [proxy.publicUrl, proxy.internalUrl]) {
        await request(`${url}/.well-known/jwks.json`);
        const { status, headers } = await request(`${url}/.well-known/jwks.json`);
        expect(status).toBe(200);
        // RFC 9111 §5.1: whoever answers from a cache says how old it is.
        expect(Number(headers.get('age'))).toBeGreaterThanOrEqual(0);
        expect(headers.get('age')).not.toBeNull();
      }
    });

    it('introspect for services only', async () => {
      const { accessToken } = await signUp(proxy.publicUrl);
      const ask = (url: string) => post(url, undefined, { form: { token: accessToken }, bearer: SECRET });
      expect(await ask(`${proxy.internalUrl}/introspect`)).toMatchObject({
        status: 200,
        body: { active: true },
      });
      for (const path of ['/introspect', '/auth/introspect', '/%69ntrospect', '/introspect/?x'])
        expect((await ask(proxy.publicUrl + path)).status).toBe(404);
    });

    it('count each client by its own address, whatever it writes', async () => {
      const email = newEmail();
      const statuses: number[] = [];
      for (let count = 0; count < 11; count += 1) {
        const headers = { 'x-forwarded-for': `203.0.113.${count}` };
        const answer = await post(
          `${proxy.publicUrl}/auth/login`,
          { email, password: PASSWORD },
          { headers },
        );
        statuses.push(answer.status);
      }
      expect(statuses).toEqual([...Array<number>(10).fill(401), 429]);
    });

    it('fail no request while each of them is restarted', async () => {
      const load = new FleetLoad(proxy.publicUrl).start(2);
      for (const [at, { port }] of replicas.entries()) {
        const { code } = await replicas[at]!.stop();
        expect(code).toBe(0);
        replicas[at] = await AppProcess.start('auth-server', env, port);
      }
      await load.stop();
      // The load comes from one address, and may meet the limits of one.
      expect(load.failures.filter(({ status }) => status !== 429)).toEqual([]);
      expect(load.endings.length).toBeGreaterThan(50);
    }, 300_000);
  },
);
