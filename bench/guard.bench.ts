import { type BenchOptions, progress } from './bench-database.js';
import { HttpLoad, requestText } from './load/http-load.js';
import { interleave, type Interleaved, type InterleavedCase } from './load/interleave.js';
import { PinnedProcess, pinSelf } from './load/pinned-process.js';
import { table, writeChart, writeResults } from './report.js';

const NAME = 'guard';
const ADAPTERS = ['express', 'fastify'] as const;
type Adapter = (typeof ADAPTERS)[number];

/** Requests per second of the guarded route, as a share of the open one and as a multiple of plain Passport. */
const TARGETS: Record<Adapter, { readonly ofOpen: number; readonly ofPassport: number }> = {
  express: { ofOpen: 0.92, ofPassport: 2.5 },
  fastify: { ofOpen: 0.88, ofPassport: 8 },
};

const CASES = {
  open: 'open route (@Public)',
  again: 'the same, another route (A/A)',
  guarded: 'guarded route, token seen before',
  passport: 'plain passport-jwt + jwks-rsa',
  empty: 'an app with an empty guard',
};

type Results = Record<keyof typeof CASES, Interleaved>;

/** What the guard costs. @returns whether all targets are met */
export async function run({ rounds }: BenchOptions): Promise<boolean> {
  const pinned = pinSelf();
  if (!pinned) progress('The processes cannot be pinned to cores: the figures are rough');
  const all: { adapter: Adapter; results: Results }[] = [];
  for (const adapter of ADAPTERS) {
    progress(`Measuring on ${adapter} …`);
    all.push({ adapter, results: await measure(adapter, rounds) });
  }
  return report(all, pinned, rounds);
}

async function measure(adapter: Adapter, rounds: number): Promise<Results> {
  const start = (guard: string) =>
    PinnedProcess.start(new URL('./guard/guard.server.ts', import.meta.url), { args: [adapter, guard] });
  const [authfort, passport, empty] = await Promise.all([
    start('authfort'),
    start('passport'),
    start('empty'),
  ]);
  const loads: HttpLoad[] = [];
  const caseOf = async (name: string, server: PinnedProcess, path: string): Promise<InterleavedCase> => {
    // All requests look alike, also those that need no token.
    const headers = { authorization: `Bearer ${String(await server.call('sign'))}` };
    const load = await HttpLoad.open({ url: server.url, request: requestText('GET', path, headers) });
    loads.push(load);
    return { name, slice: (ms) => load.run(ms), cpu: async () => (await server.usage()).cpu };
  };
  try {
    const cases = [
      await caseOf(CASES.open, authfort, '/orders/open'),
      await caseOf(CASES.again, authfort, '/orders/also-open'),
      await caseOf(CASES.guarded, authfort, '/orders/guarded'),
      await caseOf(CASES.passport, passport, '/orders/guarded'),
      await caseOf(CASES.empty, empty, '/orders/guarded'),
    ];
    const measured = await interleave(cases, { sliceMilliseconds: 350, slices: rounds * 3, warmUp: 4 });
    for (const { name, byStatus, lost } of measured)
      if (Object.keys(byStatus).join() !== '200' || lost > 0)
        throw new Error(`"${name}" was not answered with 200 only: ${JSON.stringify({ byStatus, lost })}`);
    const keys = Object.keys(CASES) as (keyof typeof CASES)[];
    return Object.fromEntries(keys.map((key, n) => [key, measured[n]!])) as Results;
  } finally {
    for (const load of loads) load.close();
    await Promise.all([authfort.stop(), passport.stop(), empty.stop()]);
  }
}

function report(
  all: readonly { adapter: Adapter; results: Results }[],
  pinned: boolean,
  rounds: number,
): boolean {
  const judged = all.map(({ adapter, results }) => ({ adapter, results, ...ratiosOf(results) }));
  for (const { adapter, results } of judged) console.log(`${tableOf(adapter, results)}\n`);
  writeResults(NAME, { pinned, rounds, targets: TARGETS, results: judged });
  writeChart(
    NAME,
    'What a request costs the server, by guard: CPU in µs',
    judged.flatMap(({ adapter, results }) =>
      Object.values(results).map(({ name, cpuPerRequest }) => ({
        name: `${adapter}: ${name}`,
        value: cpuPerRequest,
      })),
    ),
  );
  let good = true;
  for (const { adapter, byThroughput } of judged) {
    for (const ratio of ['ofOpen', 'ofPassport'] as const) {
      const [is, target] = [byThroughput[ratio], TARGETS[adapter][ratio]];
      if (is >= target) continue;
      console.error(`${adapter}: ${ratio} is ${is.toFixed(3)}, below ${target}`);
      good = false;
    }
  }
  return good;
}

function ratiosOf({
  open,
  again,
  guarded,
  passport,
}: Results): Record<'byThroughput' | 'byCpu', { ofOpen: number; ofPassport: number; noise: number }> {
  return {
    byThroughput: {
      ofOpen: guarded.perSecond / open.perSecond,
      ofPassport: guarded.perSecond / passport.perSecond,
      noise: again.perSecond / open.perSecond,
    },
    byCpu: {
      ofOpen: open.cpuPerRequest / guarded.cpuPerRequest,
      ofPassport: passport.cpuPerRequest / guarded.cpuPerRequest,
      noise: open.cpuPerRequest / again.cpuPerRequest,
    },
  };
}

function tableOf(adapter: Adapter, results: Results): string {
  const { open } = results;
  return table(
    [adapter, 'requests/s', 'of open', 'CPU µs', 'of open', 'p50 ms', 'p99 ms'],
    Object.values(results).map(({ name, perSecond, cpuPerRequest, p50, p99 }) => [
      name,
      Math.round(perSecond).toLocaleString('en'),
      `${((perSecond / open.perSecond) * 100).toFixed(1)} %`,
      cpuPerRequest,
      `${((open.cpuPerRequest / cpuPerRequest) * 100).toFixed(1)} %`,
      p50,
      p99,
    ]),
  );
}
