// What the image does, without Docker: `node test/containers/image-by-hand.mjs`, by hand or in CI (takes a minute).
// A copy of the repository as .dockerignore leaves it; `npm ci` and `npm run build` in it; `npm ci --omit=dev` in another
// folder, with dist and bin beside it; and from there the image's own command for each app, with NODE_ENV=production.
// DATABASE_URL: a PostgreSQL server; a database is made on it and dropped again. Without one the auth server is only
// asked to refuse to start, as it must. SKIP_BUILD=1 takes the dist that is there.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'authfort-image-'));
const image = join(folder, 'app');
const SECRETS = {
  INTROSPECT_SECRET: 'introspection-secret-of-the-image',
  KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-image',
};
const children = [];
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
const command = /^CMD \["sh", "-c", "(.+)"\]$/m.exec(dockerfile)[1];
const healthcheck = JSON.parse(/^\s+CMD (\["node".+\])$/m.exec(dockerfile)[1]);
let failures = 0;

function check(what, ok, detail = '') {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}${ok ? '' : `\n${detail}`}`);
  if (!ok) failures += 1;
}

/** Only what a container has: no variable of this shell. */
const containerEnv = (env) => ({ PATH: process.env.PATH, HOME: folder, NODE_ENV: 'production', ...env });

function run(cwd, line, env = { ...process.env }) {
  const startedAt = Date.now();
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { cwd, env, encoding: 'utf8' });
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
  check(`${line} (${seconds} s)`, status === 0, `${stdout}\n${stderr}`);
  return stdout ?? '';
}

async function freePort() {
  const probe = createServer().listen(0);
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** The image's CMD. */
function start(app, port, env) {
  const child = spawn('sh', ['-c', command], {
    cwd: image,
    env: containerEnv({ APP: app, PORT: String(port), ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const started = { child, output: '', ended: undefined };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (started.output += chunk));
  started.exit = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  void started.exit.then((code) => (started.ended = code));
  children.push(started);
  return started;
}

async function answers(app, url) {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline && app.ended === undefined) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

async function startAndCheck(name, port, env) {
  const app = start(name, port, env);
  for (const path of ['/health/live', '/health/ready']) {
    check(`${name}: ${path}`, await answers(app, `http://127.0.0.1:${port}${path}`), app.output);
  }
  const [node, ...args] = healthcheck;
  const { status } = spawnSync(node, args, { cwd: image, env: containerEnv({ PORT: String(port) }) });
  check(`${name}: the image's HEALTHCHECK`, status === 0, app.output);
  return app;
}

async function stopAndCheck(name, app) {
  app.child.kill('SIGTERM');
  const code = await Promise.race([app.exit, new Promise((resolve) => setTimeout(resolve, 10_000, 'late'))]);
  check(`${name}: SIGTERM → exit code 0`, code === 0, `${code}\n${app.output}`);
}

function makeImage() {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n').filter(Boolean);
  const ignored = new Set(lines.map((line) => line.replace('**/', '')));
  const context = join(folder, 'context');
  const keep = (path) => !path.split('/').some((part) => ignored.has(part));
  cpSync(root, context, { recursive: true, filter: (path) => keep(path.slice(root.length)) });
  let dist = join(root, 'dist');
  if (process.env.SKIP_BUILD !== '1') {
    run(context, 'npm ci --no-audit --no-fund');
    run(context, 'npm run build');
    dist = join(context, 'dist');
  }
  for (const name of ['package.json', 'package-lock.json', 'bin']) {
    cpSync(join(context, name), join(image, name), { recursive: true });
  }
  run(image, 'npm ci --omit=dev --no-audit --no-fund');
  cpSync(dist, join(image, 'dist'), { recursive: true });
  const modules = run(image, 'ls node_modules node_modules/.bin').split('\n');
  const tools = ['typescript', 'jest', '@nestjs/cli', 'eslint', 'nest', 'tsc'];
  check('no build tools in node_modules', !tools.some((tool) => modules.includes(tool)), modules.join(' '));
}

async function refusesWithoutDatabase() {
  const app = start('auth-server', await freePort(), SECRETS);
  const code = await app.exit;
  check('auth-server: no DATABASE_URL → exit code 1', code === 1, `${code}\n${app.output}`);
  check('auth-server: says so', app.output.includes('DATABASE_URL'), app.output);
}

async function withServer(databaseUrl) {
  const env = { ...SECRETS, DATABASE_URL: databaseUrl };
  const ports = { auth: await freePort(), orders: await freePort(), notifications: await freePort() };
  const authUrl = `http://127.0.0.1:${ports.auth}`;
  const services = {
    JWKS_URL: `${authUrl}/.well-known/jwks.json`,
    INTROSPECT_SECRET: SECRETS.INTROSPECT_SECRET,
  };
  const auth = await startAndCheck('auth-server', ports.auth, env);
  const orders = await startAndCheck('orders', ports.orders, services);
  const notifications = await startAndCheck('notifications', ports.notifications, services);

  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery staple' });
  const signUp = await fetch(`${authUrl}/auth/signup`, { method: 'POST', headers: json, body });
  const { tokens } = await signUp.json();
  const headers = { authorization: `Bearer ${tokens?.access_token}` };
  const list = await fetch(`http://127.0.0.1:${ports.orders}/api/orders`, { headers });
  check(
    'sign up, and list orders',
    signUp.status === 201 && list.status === 200,
    `${signUp.status} ${list.status}`,
  );

  run(image, 'node bin/authfort.mjs migrate --status', containerEnv(env));
  const keys = run(image, 'node bin/authfort.mjs keys list', containerEnv(env));
  check('the command lists the keys', /current/.test(keys) && /next/.test(keys), keys);
  await stopAndCheck('notifications', notifications);
  await stopAndCheck('orders', orders);
  await stopAndCheck('auth-server', auth);
}

async function withDatabase(server, work) {
  const connectionString = server.replace(/^postgres(ql)?(\+\w+)?:/, 'postgres:');
  const admin = new pg.Client({ connectionString });
  await admin.connect();
  const name = `authfort_image_${process.pid}`;
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(connectionString);
  url.pathname = `/${name}`;
  try {
    await work(url.href);
  } finally {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  }
}

try {
  makeImage();
  await refusesWithoutDatabase();
  if (process.env.DATABASE_URL) await withDatabase(process.env.DATABASE_URL, withServer);
  else console.log('no DATABASE_URL: the apps were not started');
} finally {
  for (const { child, ended } of children) if (ended === undefined) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
console.log(failures === 0 ? 'All well.' : `${failures} checks failed.`);
process.exitCode = failures === 0 ? 0 : 1;
