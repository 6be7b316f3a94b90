// `npm start`: builds the three apps and the demo page, runs them side by side and says what to try.
// Ports: AUTH_PORT, ORDERS_PORT, NOTIFICATIONS_PORT, WEB_PORT (8000 to 8003). Everything else is the environment of the apps.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';

const ADMIN = 'admin@example.com';
const READY_WITHIN_MS = 60_000;
// What Nest says of each of its modules and routes; ServiceAuth's own table of routes stays.
const CHATTER = /\[(InstanceLoader|RoutesResolver|RouterExplorer|NestFactory)\]/;

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = (text) => paint('1', text);

const ports = {
  auth: Number(process.env.AUTH_PORT || 8000),
  orders: Number(process.env.ORDERS_PORT || 8001),
  notifications: Number(process.env.NOTIFICATIONS_PORT || 8002),
  web: Number(process.env.WEB_PORT || 8003),
};
const [authUrl, ordersUrl, notificationsUrl, webUrl] = Object.values(ports).map(
  (port) => `http://localhost:${port}`,
);
// The page may call the three apps with cookies.
const CORS_ORIGINS = [process.env.CORS_ORIGINS, webUrl].filter(Boolean).join(',');
const adminPassword = randomBytes(12).toString('base64url');
const introspectSecret = process.env.INTROSPECT_SECRET || randomBytes(32).toString('base64url');
const verifying = { JWKS_URL: process.env.JWKS_URL || `${authUrl}/.well-known/jwks.json` };

const apps = [
  {
    name: 'auth-server',
    tint: '36',
    port: ports.auth,
    env: {
      CORS_ORIGINS,
      INTROSPECT_SECRET: introspectSecret,
      FRONTEND_URL: process.env.FRONTEND_URL || webUrl,
      DEMO_ADMIN_EMAIL: ADMIN,
      DEMO_ADMIN_PASSWORD: adminPassword,
    },
  },
  {
    name: 'orders',
    tint: '33',
    port: ports.orders,
    env: { ...verifying, CORS_ORIGINS, INTROSPECT_SECRET: introspectSecret },
  },
  { name: 'notifications', tint: '35', port: ports.notifications, env: { ...verifying, CORS_ORIGINS } },
  {
    name: 'web',
    tint: '32',
    port: ports.web,
    main: 'apps/web/serve.mjs',
    env: { AUTH_URL: authUrl, ORDERS_URL: ordersUrl, NOTIFICATIONS_URL: notificationsUrl },
  },
];

const running = new Map();
let stopping = false;

function build() {
  const startedAt = Date.now();
  process.stdout.write('Building the apps and the page … ');
  const builds = [['node_modules/@nestjs/cli/bin/nest.js', 'build', '--all'], ['apps/web/build.mjs']].map(
    (args) => spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  let output = '';
  const ends = builds.map((child) => {
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    return new Promise((resolve) => child.on('close', resolve));
  });
  return Promise.all(ends).then((codes) => {
    const good = codes.every((code) => code === 0);
    console.log(good ? `done (${((Date.now() - startedAt) / 1000).toFixed(0)} s)` : 'failed');
    if (!good) console.error(output);
    return good;
  });
}

function run({ name, tint, port, env, main = `dist/apps/${name}/apps/${name}/src/main.js` }) {
  const child = spawn(process.execPath, ['--enable-source-maps', main], {
    env: { ...process.env, ...env, PORT: String(port), NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C reaches this process only, which then stops the apps one by one.
    detached: process.platform !== 'win32',
  });
  const prefix = paint(tint, name.padEnd(13));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (!CHATTER.test(line)) console.log(`${prefix} │ ${withoutNestPrefix(line)}`);
    });
  }
  child.on('exit', (code, signal) => {
    running.delete(name);
    if (stopping) return;
    console.error(
      `\n${name} has ended (${signal ?? `code ${code}`}); stopping the others. Its last lines above say why.`,
    );
    void stop(1);
  });
  running.set(name, child);
}

/** `[Nest] 123  - 01/01/2026, 10:00:00 AM     LOG [X] text` → `10:00:00 AM LOG [X] text` */
function withoutNestPrefix(line) {
  return line.replace(/^\[Nest\] \d+\s+- [\d/]+, ([\d:]+(?: [AP]M)?)\s+/, '$1 ');
}

async function ready({ name, port }) {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline && !stopping) {
    try {
      const answer = await fetch(`http://localhost:${port}/health/ready`, {
        signal: AbortSignal.timeout(2000),
      });
      if (answer.ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  if (!stopping) throw new Error(`${name} was not ready within ${READY_WITHIN_MS / 1000} s`);
}

async function stop(code) {
  if (stopping) return;
  stopping = true;
  const ends = [...running.values()].map((child) => new Promise((resolve) => child.on('exit', resolve)));
  for (const child of running.values()) child.kill('SIGTERM');
  const patience = setTimeout(() => {
    for (const child of running.values()) child.kill('SIGKILL');
  }, 10_000);
  await Promise.all(ends);
  clearTimeout(patience);
  process.exit(code);
}

async function adminIsNew() {
  const answer = await fetch(`${authUrl}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: ADMIN, password: adminPassword }),
  });
  return answer.ok;
}

function printWhatToTry(fresh) {
  const orders = `${ordersUrl}/api/orders`;
  const json = `-H 'content-type: application/json'`;
  console.log(`
${bold('It runs.')} Open ${bold(webUrl)} in a browser.
  page           ${webUrl}
  auth-server    ${authUrl}
  orders         ${ordersUrl}
  notifications  ${notificationsUrl}
  database       ${process.env.DATABASE_URL ? 'PostgreSQL (DATABASE_URL)' : `embedded, in ${process.env.AUTHFORT_DATA_DIR || '.data'}`}
  mails          ${process.env.SMTP_URL ? 'sent (SMTP_URL)' : 'printed here, links and codes included: look for [Mail]'}
  demo admin     ${ADMIN}  ${fresh ? `password ${bold(adminPassword)}  (shown only now)` : '(password as shown at the first start)'}

${bold('Or five lines')} in another terminal:
  curl -s ${authUrl}/auth/signup ${json} -d '{"email":"you@example.com","password":"correct horse"}'
  TOKEN=$(curl -s ${authUrl}/auth/login ${json} -d '{"email":"you@example.com","password":"correct horse"}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -s ${orders} -H "Authorization: Bearer $TOKEN"
  curl -s -X DELETE ${orders}/1 -H "Authorization: Bearer $TOKEN"   # 403: for admins only
  curl -s ${notificationsUrl}/api/unread -H "Authorization: Bearer $TOKEN"

Ctrl-C stops everything.`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(0));

if (!(await build())) process.exit(1);
const [auth, ...services] = apps;
try {
  // The services start without the auth server too, but would begin by saying that its keys cannot be had.
  run(auth);
  await ready(auth);
  if (!stopping) services.forEach(run);
  await Promise.all(services.map(ready));
  if (!stopping) printWhatToTry(await adminIsNew());
} catch (error) {
  console.error(`\n${error.message}. Stopping.`);
  await stop(1);
}
