import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchUser } from './auth-routes/auth.server.js';
import { type LoginFigures, measureLogins } from './auth-routes/logins.js';
import { CONNECTIONS, type Contestants, routeCases } from './auth-routes/routes.js';
import { type BenchOptions, progress, withDatabase } from './bench-database.js';
import { assertAnswered, interleave, type Interleaved, ratio } from './load/interleave.js';
import { PinnedProcess, pinSelf } from './load/pinned-process.js';
import { table, writeChart, writeResults } from './report.js';

const NAME = 'auth-routes';
export const runsEmbedded = true;

/** Requests per second of a route as a share of those of its yardstick, at least. */
const TARGETS = [
  { route: 'jwks', yardstick: 'bareJwks', target: 0.8 },
  { route: 'me', yardstick: 'bareMe', target: 0.6 },
  { route: 'introspect', yardstick: 'bareIntrospect', target: 0.6 },
  { route: 'refresh', yardstick: 'bareWrite', target: 0.5 },
] as const;
/** Of what a bare route manages that does the least that a login could be. Of the hashes, even that one misses 95 %. */
const LOGIN_TARGET = 0.9;
/** How many times as long a request may take while logins use all the CPU. */
const BUSY_TARGET = 3;

type Results = Record<keyof Awaited<ReturnType<typeof routeCases>>, Interleaved>;

interface Figures {
  readonly routes: Results;
  readonly logins: LoginFigures;
  /** Resident memory of the auth server before and after, in MiB. */
  readonly memory: { readonly before: number; readonly after: number };
}

/** The busiest routes of the auth server, beside the least that a route could do. @returns whether all targets are met */
export async function run({ databaseUrl, rounds, embedded }: BenchOptions): Promise<boolean> {
  const pinned = pinSelf();
  if (!pinned) progress('The processes cannot be pinned to cores: the figures are rough');
  const figures = embedded
    ? await inFolder((folder) => measure('', folder, rounds))
    : await withDatabase(databaseUrl, (url) => measure(url, '', rounds));
  return report(figures, { pinned, rounds, embedded });
}

async function measure(databaseUrl: string, folder: string, rounds: number): Promise<Figures> {
  const start = (name: string) =>
    PinnedProcess.start(new URL(`./auth-routes/${name}.server.ts`, import.meta.url), {
      args: [databaseUrl, folder && join(folder, name)],
      // In production the embedded database refuses to start.
      env: folder ? { NODE_ENV: 'development' } : {},
    });
  const [auth, bare] = await Promise.all([start('auth'), start('bare')]);
  try {
    progress('Signing users up …');
    const users = (await auth.call('signUp', CONNECTIONS)) as BenchUser[];
    const before = await memoryOf(auth);
    const contestants = { auth, bare, users };
    progress('Measuring the routes …');
    const routes = await measureRoutes(contestants, rounds);
    progress('Measuring logins …');
    const logins = await measureLogins(contestants, rounds);
    return { routes, logins, memory: { before, after: await memoryOf(auth) } };
  } finally {
    await Promise.all([auth.stop(), bare.stop()]);
  }
}

async function measureRoutes(contestants: Contestants, rounds: number): Promise<Results> {
  const cases = await routeCases(contestants);
  const keys = Object.keys(cases) as (keyof typeof cases)[];
  const measured = await interleave(Object.values(cases), {
    sliceMilliseconds: 400,
    slices: rounds * 3,
    warmUp: 3,
  });
  for (const routeCase of Object.values(cases)) routeCase.close();
  assertAnswered(measured);
  return Object.fromEntries(keys.map((key, n) => [key, measured[n]!])) as Results;
}

async function memoryOf(server: PinnedProcess): Promise<number> {
  return Math.round((await server.usage()).rss / 2 ** 20);
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'authfort-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Setting {
  readonly pinned: boolean;
  readonly rounds: number;
  readonly embedded: boolean;
}

function report(figures: Figures, setting: Setting): boolean {
  const { routes, logins, memory } = figures;
  const shares = TARGETS.map(({ route, yardstick, target }) => ({
    route,
    target,
    share: ratio(routes[route], routes[yardstick], 'perSecond'),
    shareByCpu: ratio(routes[yardstick], routes[route], 'cpuPerRequest'),
  }));
  const busy = logins.meBusy / logins.meIdle;
  const ofBare = ratio(logins.logins, logins.bare, 'perSecond');
  console.log(`${routesTable(routes, shares)}\n\n${loginsTable(logins)}\n`);
  console.log(`Memory of the auth server: ${memory.before} MiB before, ${memory.after} MiB after\n`);
  const name = setting.embedded ? `${NAME}.embedded` : NAME;
  writeResults(name, { ...setting, connections: CONNECTIONS, shares, busy, ...figures });
  writeChart(
    name,
    `What a request costs the server${setting.embedded ? ' with its embedded database' : ''}: CPU in µs`,
    Object.values(routes).map((route) => ({ name: route.name, value: route.cpuPerRequest })),
  );
  // The database in the process shares its core: how far that is from a bare route says little.
  if (setting.embedded) return true;
  const missed = [
    ...shares.map(
      ({ route, share, target }) => share < target && `${route}: ${percent(share)}, below ${percent(target)}`,
    ),
    ofBare < LOGIN_TARGET && `login: ${percent(ofBare)} of the bare one, below ${percent(LOGIN_TARGET)}`,
    busy > BUSY_TARGET &&
      `GET /auth/me beside logins: ${busy.toFixed(1)} times as long, above ${BUSY_TARGET}`,
  ].filter((problem) => problem !== false);
  for (const problem of missed) console.error(problem);
  return missed.length === 0;
}

function routesTable(
  routes: Results,
  shares: readonly { route: string; share: number; shareByCpu: number }[],
): string {
  const head = ['route', 'requests/s', 'of bare', 'CPU µs', 'of bare', 'p50 ms', 'p99 ms'];
  const rows = Object.entries(routes).map(([key, { name, perSecond, cpuPerRequest, p50, p99 }]) => {
    const judged = shares.find(({ route }) => route === key);
    return [
      name,
      Math.round(perSecond).toLocaleString('en'),
      judged ? percent(judged.share) : '',
      cpuPerRequest,
      judged ? percent(judged.shareByCpu) : '',
      p50,
      p99,
    ];
  });
  return table(head, rows);
}

function loginsTable({ logins, bare, hashes, meIdle, meBusy }: LoginFigures): string {
  const head = ['logins, 8 at once', 'per second', 'of bare', 'of the hashes', 'CPU ms', 'p50 ms', 'p99 ms'];
  const rows = [logins, bare, hashes].map((one) => [
    one.name,
    one.perSecond,
    one === logins ? percent(ratio(logins, bare, 'perSecond')) : '',
    one === hashes ? '' : percent(ratio(one, hashes, 'perSecond')),
    one.cpuPerRequest / 1000,
    one.p50,
    one.p99,
  ]);
  const me = `GET /auth/me, p50: ${meIdle.toFixed(2)} ms by itself, ${meBusy.toFixed(2)} ms beside logins`;
  return `${table(head, rows)}\n\n${me}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
