import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AppProcess, killAll } from './app-process.js';
import { createSystemDatabase, type SystemDatabase } from './database.js';

/** In full: `REQUESTS=100000`. */
const REQUESTS = Number(process.env.REQUESTS ?? 1000);
const HEAP_MB = 128;
const AT_A_TIME = 40;

/** Every request is by another client from another network, about another address, and all of them are counted. */
describe('attack: filling the memory of the server with invented clients', () => {
  let database: SystemDatabase;
  let app: AppProcess;
  const agent = new Agent({ keepAlive: true, maxSockets: AT_A_TIME });
  beforeAll(async () => {
    database = await createSystemDatabase();
    app = await AppProcess.start('auth-server', {
      ...database.env,
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}`,
      TRUSTED_PROXIES: '127.0.0.1',
      LOG_LEVEL: 'error',
    });
  });
  afterEach(killAll);
  afterAll(async () => {
    agent.destroy();
    await database.close();
  });

  const ROUTES: [path: string, body: (n: number) => object][] = [
    ['otp', (n) => ({ email: `nobody-${n}@example.com` })],
    ['forgot-password', (n) => ({ email: `nobody-${n}@example.com` })],
    ['magic-link', (n) => ({ email: `nobody-${n}@example.com` })],
    ['refresh', (n) => ({ refresh_token: `token${n}`.padEnd(43, 'x') })],
    ['verify-email', (n) => ({ token: `token${n}`.padEnd(43, 'x') })],
  ];
  // A few only: a hash takes a tenth of a second of one core.
  const LOGIN: (typeof ROUTES)[number] = [
    'login',
    (n) => ({ email: `nobody-${n}@example.com`, password: `guess ${n}` }),
  ];
  /** Addresses that share no /16 for long, and IPv6 ones of many sites. A long header, of which the address is a part. */
  const addressOf = (n: number) =>
    n % 3
      ? `${1 + (n % 223)}.${(n >> 3) % 256}.${(n >> 9) % 256}.${n % 251}`
      : `2001:${(n % 65_000).toString(16)}:${n}::1`;

  function post(n: number): Promise<number> {
    const [route, body] = n % 100 ? ROUTES[n % ROUTES.length]! : LOGIN;
    const json = JSON.stringify(body(n));
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(json),
      'x-forwarded-for': `${'spoofed, '.repeat(400)}${addressOf(n)}`,
    };
    return new Promise((resolve, reject) => {
      const sent = request(`${app.url}/auth/${route}`, { method: 'POST', agent, headers }, (response) =>
        response.resume().on('end', () => resolve(response.statusCode!)),
      );
      sent.on('error', reject).end(json);
    });
  }
  const rssMb = () =>
    Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${app.pid}/status`, 'utf8'))![1]) / 1024);

  it(`serves ${REQUESTS} of them without Redis within ${HEAP_MB} MB of heap`, async () => {
    const before = rssMb();
    const statuses: Record<number, number> = {};
    let next = 0;
    const half = { rss: 0 };
    const client = async () => {
      while (next < REQUESTS) {
        const status = await post((next += 1));
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (next === REQUESTS >> 1) half.rss = rssMb();
      }
    };
    const begun = performance.now();
    await Promise.all(Array.from({ length: AT_A_TIME }, client));
    const seconds = Math.round((performance.now() - begun) / 1000);
    if (REQUESTS >= 10_000)
      process.stdout.write(
        `${REQUESTS} requests in ${seconds} s: ${JSON.stringify(statuses)}; RSS ${before} MB before, ${half.rss} MB half-way, ${rssMb()} MB after\n`,
      );
    expect(app.alive).toBe(true);
    expect(
      Object.keys(statuses).filter((status) => !['200', '400', '401', '429', '503'].includes(status)),
    ).toEqual([]);
    // Memory is bounded: the second half adds next to nothing.
    expect(rssMb()).toBeLessThan(half.rss + 60);
    expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
  });
});
