// Can a stranger tell by the clock who has an account? Measures the auth server as a process of its own, on the embedded database or on
// DATABASE_URL (a database is made and dropped there): medians of ROUNDS (default 200) answers for accounts that are there, are not, and
// are banned, interleaved in random order. Ends with 1 when the medians are further apart than LIMITS say. Run it on a quiet machine:
//   node bench/enumeration-timing.mjs
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import pg from 'pg';

const ROUNDS = Number(process.env.ROUNDS || 200);
const KINDS = ['known', 'unknown', 'banned'];
/** A login may be guessed at a hundred times an hour. */
const ACCOUNTS = Math.ceil(ROUNDS / 50);
const PASSWORD = 'correct horse battery staple';
const ADMIN = { email: 'admin@example.com', password: randomBytes(12).toString('base64url') };
/** How far apart medians may be: a share of the shortest, or milliseconds, whichever is more. */
const LIMITS = { login: { share: 0.15, ms: 0 }, other: { share: 0.25, ms: 1 } };

let client = 0;
async function post(url, path, body, bearer) {
  client += 1;
  const startedAt = performance.now();
  const response = await fetch(url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      // Each request comes from an address of its own: the limits by address are not what is measured.
      'x-forwarded-for': `10.${(client >> 16) & 255}.${(client >> 8) & 255}.${client & 255}`,
      ...(bearer && { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text && JSON.parse(text), ms: performance.now() - startedAt };
}

async function startServer(env) {
  const probe = createServer().listen(0);
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  const args = ['--import', '@swc-node/register/esm-register', 'apps/auth-server/src/main.ts'];
  const child = spawn(process.execPath, args, {
    cwd: join(import.meta.dirname, '..'),
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: String(port),
      TRUSTED_PROXIES: 'loopback',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  for (let n = 0; !(await fetch(`${url}/health/ready`).catch(() => undefined))?.ok; n += 1) {
    if (child.exitCode !== null || n > 600) throw new Error('the auth server did not start');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}

async function seed(url) {
  const { tokens } = (await post(url, '/auth/login', ADMIN)).body;
  const emails = { known: [], unknown: [], banned: [] };
  for (const kind of KINDS) {
    for (let n = 0; n < ACCOUNTS; n += 1) {
      const email = `${randomBytes(8).toString('hex')}@example.com`;
      emails[kind].push(email);
      if (kind === 'unknown') continue;
      const { body } = await post(url, '/auth/signup', { email, password: PASSWORD });
      if (kind === 'banned')
        await post(url, `/auth/admin/users/${body.user.id}/ban`, {}, tokens.access_token);
    }
  }
  return emails;
}

/** Milliseconds by kind. Each round asks for every kind once, in random order. */
async function measure(url, path, bodyOf, expected, emails) {
  const took = { known: [], unknown: [], banned: [] };
  for (let round = -5; round < ROUNDS; round += 1) {
    for (const kind of KINDS.map((name) => [Math.random(), name])
      .sort()
      .map(([, name]) => name)) {
      const { status, ms } = await post(url, path, bodyOf(emails[kind][Math.max(round, 0) % ACCOUNTS]));
      if (status !== expected) throw new Error(`${path} answered ${status} instead of ${expected}`);
      if (round >= 0) took[kind].push(ms);
    }
  }
  return took;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

function judge(name, took) {
  const medians = KINDS.map((kind) => median(took[kind]));
  const [least, most] = [Math.min(...medians), Math.max(...medians)];
  const { share, ms } = LIMITS[name] ?? LIMITS.other;
  const alike = most - least <= Math.max(least * share, ms);
  const spread = `${(most - least).toFixed(2)} (${((100 * (most - least)) / least).toFixed(1)} %)`;
  return {
    alike,
    row: { ...Object.fromEntries(KINDS.map((kind, n) => [kind, medians[n].toFixed(2)])), spread, alike },
  };
}

async function withDatabase(work) {
  const folder = await mkdtemp(join(tmpdir(), 'authfort-timing-'));
  const admin = process.env.DATABASE_URL && new pg.Client({ connectionString: process.env.DATABASE_URL });
  const name = `authfort_timing_${randomBytes(6).toString('hex')}`;
  const env = { AUTHFORT_DATA_DIR: folder };
  if (admin) {
    await admin.connect();
    await admin.query(`CREATE DATABASE ${name}`);
    const url = new URL(process.env.DATABASE_URL);
    url.pathname = `/${name}`;
    Object.assign(env, { DATABASE_URL: url.href, KEY_ENCRYPTION_SECRET: randomBytes(32).toString('base64') });
  }
  try {
    await work(env);
  } finally {
    await admin?.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin?.end();
    await rm(folder, { recursive: true, force: true });
  }
}

await withDatabase(async (env) => {
  const results = {};
  const demo = { DEMO_ADMIN_EMAIL: ADMIN.email, DEMO_ADMIN_PASSWORD: ADMIN.password };
  let server = await startServer({ ...env, ...demo });
  const emails = await seed(server.url);
  const wrong = (email) => ({ email, password: 'not the password' });
  // With rate limits: counting the attempts is part of what must not tell.
  results.login = await measure(server.url, '/auth/login', wrong, 401, emails);
  await server.stop();
  server = await startServer({ ...env, RATE_LIMIT: 'off' });
  const address = (email) => ({ email });
  for (const route of ['forgot-password', 'magic-link', 'otp'])
    results[route] = await measure(server.url, `/auth/${route}`, address, 200, emails);
  const guess = (email) => ({ email, code: 'wrong!' });
  results['otp/verify'] = await measure(server.url, '/auth/otp/verify', guess, 400, emails);
  await server.stop();

  const judged = Object.entries(results).map(([name, took]) => [name, judge(name, took)]);
  console.log(
    `${ROUNDS} rounds on ${env.DATABASE_URL ? 'PostgreSQL' : 'the embedded database'}; medians in ms`,
  );
  console.table(Object.fromEntries(judged.map(([name, { row }]) => [name, row])));
  if (judged.some(([, { alike }]) => !alike)) process.exitCode = 1;
});
