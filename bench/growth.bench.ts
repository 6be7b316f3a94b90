import { type BenchOptions, progress, withDatabase } from './bench-database.js';
import { type Size, tokenOf } from './growth/seed.js';
import { HttpLoad, requestText } from './load/http-load.js';
import {
  assertAnswered,
  interleave,
  type Interleaved,
  type InterleavedCase,
  ratio,
} from './load/interleave.js';
import { PinnedProcess, pinSelf } from './load/pinned-process.js';
import { table, writeChart, writeResults } from './report.js';

const NAME = 'growth';
const LARGE = Number(process.env.BENCH_USERS ?? 1_000_000);
const SIZES: readonly Size[] = [
  { name: '10 thousand users, 100 thousand tokens', users: 10_000, refreshTokens: 100_000 },
  {
    name: `${LARGE.toLocaleString('en')} users, ${(LARGE * 10).toLocaleString('en')} tokens`,
    users: LARGE,
    refreshTokens: LARGE * 10,
  },
];
/** The 99th percentile may grow so many times. */
const TARGET = 1.5;
const CONNECTIONS = 8;
const INTROSPECTED = 2000;

interface Site {
  readonly auth: PinnedProcess;
  /** Connections that bring no request are closed after a while, so they are made when both are there. */
  readonly open: () => Promise<(InterleavedCase & { close(): void })[]>;
}

/** Refresh and introspection over few rows and over many, by turns. @returns whether they take about as long */
export function run({ databaseUrl, rounds }: BenchOptions): Promise<boolean> {
  pinSelf();
  return withDatabase(databaseUrl, (small) =>
    withDatabase(databaseUrl, async (large) => {
      const sites: Site[] = [];
      try {
        for (const [n, url] of [small, large].entries()) sites.push(await build(SIZES[n]!, url));
        const cases = (await Promise.all(sites.map(({ open }) => open()))).flat();
        progress('Measuring …');
        const measured = await interleave(cases, { sliceMilliseconds: 1500, slices: rounds * 2, warmUp: 2 });
        for (const one of cases) one.close();
        return report(measured);
      } finally {
        for (const { auth } of sites) await auth.stop();
      }
    }),
  );
}

async function build(size: Size, databaseUrl: string): Promise<Site> {
  const auth = await PinnedProcess.start(new URL('./growth/auth.server.ts', import.meta.url), {
    args: [databaseUrl],
  });
  progress(`Making ${size.name} …`);
  await auth.call('seed', size);
  const secret = String(await auth.call('introspectSecret'));
  const sessions = Array.from({ length: INTROSPECTED }, (_, n) => spread(n, size.users));
  const tokens = (await auth.call('accessTokens', sessions)) as string[];
  return {
    auth,
    open: async () => [
      await siteCase(`refresh, ${size.name}`, auth, refreshing(size, INTROSPECTED)),
      await siteCase(`introspection, ${size.name}`, auth, introspecting(tokens, secret)),
    ],
  };
}

/** The n-th of numbers from 1 to `most` that lie all over, none of them twice before all have been: a step that shares no factor with it. */
function spread(n: number, most: number): number {
  return ((n * 7_368_787) % most) + 1;
}

interface Requests {
  readonly request: (connection: number) => string;
  readonly onAnswer?: (connection: number, status: number, body: string) => void;
}

/** Each request is of another session, whose rows nobody has touched for long. */
function refreshing({ users }: Size, from: number): Requests {
  const latest = new Map<number, string>();
  const asked: number[] = [];
  let turn = 0;
  return {
    request: (connection) => {
      turn += 1;
      // Those before `from` have been refreshed already, and their old tokens would be taken for stolen ones.
      const session = spread(from + (turn % (users - from)), users);
      asked[connection] = session;
      const body = JSON.stringify({ refresh_token: latest.get(session) ?? tokenOf(session) });
      return requestText('POST', '/auth/refresh', { 'content-type': 'application/json' }, body);
    },
    onAnswer: (connection, _status, body) => {
      const token = /"refresh_token":"([\w-]+)"/.exec(body)?.[1];
      if (token) latest.set(asked[connection]!, token);
    },
  };
}

function introspecting(tokens: readonly string[], secret: string): Requests {
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  const requests = tokens.map((token) =>
    requestText('POST', '/introspect', headers, JSON.stringify({ token })),
  );
  let turn = 0;
  return { request: () => requests[(turn += 1) % requests.length]! };
}

async function siteCase(
  name: string,
  auth: PinnedProcess,
  requests: Requests,
): Promise<InterleavedCase & { close(): void }> {
  const load = await HttpLoad.open({ url: auth.url, connections: CONNECTIONS, ...requests });
  const cpu = async () => (await auth.usage()).cpu;
  return { name, slice: (milliseconds) => load.run(milliseconds), cpu, close: () => load.close() };
}

function report(measured: readonly Interleaved[]): boolean {
  assertAnswered(measured);
  const [refreshFew, introspectFew, refreshMany, introspectMany] = measured as [
    Interleaved,
    Interleaved,
    Interleaved,
    Interleaved,
  ];
  const grown = {
    refresh: ratio(refreshMany, refreshFew, 'p99'),
    introspection: ratio(introspectMany, introspectFew, 'p99'),
  };
  console.log(
    table(
      ['', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs'],
      measured.map(({ name, perSecond, p50, p99, cpuPerRequest }) => [
        name,
        Math.round(perSecond).toLocaleString('en'),
        p50,
        p99,
        cpuPerRequest,
      ]),
    ),
  );
  console.log(
    `\np99 has grown ${grown.refresh.toFixed(2)} times (refresh) and ${grown.introspection.toFixed(2)} times (introspection)\n`,
  );
  writeResults(NAME, { sizes: SIZES, connections: CONNECTIONS, target: TARGET, grown, results: measured });
  writeChart(
    NAME,
    '99th percentile over few rows and over many, in ms',
    measured.map(({ name, p99 }) => ({ name, value: p99 })),
  );
  return grown.refresh <= TARGET && grown.introspection <= TARGET;
}
