import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from './address.js';
import { AppProcess, killAll } from './app-process.js';
import { newEmail, PASSWORD, post, request } from './client.js';
import { createSystemDatabase, type SystemDatabase } from './database.js';
import { PrivateRedis } from './private-redis.js';

const REQUESTS = 30;
/** If each request waited for Redis, all of them would take twice as long. */
const BOUND_MS = (REQUESTS * 500) / 2;

let database: SystemDatabase;
let redis: PrivateRedis;
let auth: AppProcess;

(process.env.REDIS_URL && PrivateRedis.available ? describe : describe.skip)('a Redis in trouble', () => {
  beforeAll(async () => {
    [database, redis] = await Promise.all([createSystemDatabase(), PrivateRedis.start()]);
    auth = await AppProcess.start('auth-server', { ...database.env, REDIS_URL: redis.url });
  }, 120_000);

  afterAll(async () => {
    redis?.resume();
    await killAll();
    await redis?.stop();
    await database?.close();
  });

  /** Ten logins at one account are the limit. */
  async function expectLimit(): Promise<void> {
    const email = newEmail();
    const statuses: number[] = [];
    for (let count = 0; count < 11; count += 1) {
      statuses.push((await post(`${auth.url}/auth/login`, { email, password: PASSWORD })).status);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(401), 429]);
  }

  /** @returns how long they take, one after the other, in milliseconds */
  async function logOuts(requests: number): Promise<number> {
    const startedAt = performance.now();
    for (let count = 0; count < requests; count += 1) {
      expect((await post(`${auth.url}/auth/logout`, { refresh_token: 'unknown' })).status).toBe(204);
    }
    return performance.now() - startedAt;
  }

  async function expectReady(): Promise<void> {
    expect((await request(`${auth.url}/health/ready`)).status).toBe(200);
  }

  it('that hangs: one request waits, the limits hold, and it is asked again when it is back', async () => {
    await logOuts(3);
    redis.hang();
    expect(await logOuts(REQUESTS)).toBeLessThan(BOUND_MS);
    await expectReady();
    await expectLimit();
    redis.resume();
    await until('the limits are shared again', 15_000, async () => {
      await logOuts(1);
      return /Redis is back/.test(auth.output) || undefined;
    });
  }, 60_000);

  it('that is gone: no request waits, the limits hold, and it is asked again when it is back', async () => {
    await redis.stop();
    expect(await logOuts(REQUESTS)).toBeLessThan(BOUND_MS);
    await expectReady();
    await expectLimit();
    const before = auth.output.length;
    await redis.start();
    await until(
      'the limits are shared again',
      15_000,
      () => /Redis is back/.test(auth.output.slice(before)) || undefined,
    );
    expect(auth.output.match(/Redis is away/g)).toHaveLength(2);
  }, 60_000);
});
