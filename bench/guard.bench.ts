import { type BenchOptions, progress } from './bench-database.js';
import { HttpLoad, requestText } from './load/http-load.js';
import { interleave, type Interleaved, type InterleavedCase, ratio } from './load/interleave.js';
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
    const measured = await interleave(cases, { sliceMilliseconds: 150, slices: rounds * 15, warmUp: 8 });
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
  for (const one of judged)
    console.log(`${tableOf(one.adapter, one.results)}\n\n${inWords(one.byThroughput, one.byCpu)}\n`);
  writeResults(NAME, { pinned, rounds, targets: TARGETS, results: judged.map(withoutSlices) });
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
    for (const name of ['ofOpen', 'ofPassport'] as const) {
      const [is, target] = [byThroughput[name], TARGETS[adapter][name]];
      if (is >= target) continue;
      console.error(`${adapter}: ${name} is ${is.toFixed(3)}, below ${target}`);
      good = false;
    }
    if (byThroughput.ceiling < TARGETS[adapter].ofPassport)
      console.error(
        `${adapter}: no guard could reach that here: an open route, which checks nothing, does not`,
      );
  }
  return good;
}

/** What is worth keeping of a run. */
function withoutSlices({ results, ...rest }: { results: Results }): object {
  const kept = Object.values(results).map(({ slices, ...one }) => ({ ...one, slices: slices.length }));
  return { ...rest, results: kept };
}

interface Ratios {
  readonly ofOpen: number;
  readonly ofPassport: number;
  /** The open route, of Passport: what a guard that costs nothing would have. */
  readonly ceiling: number;
  readonly noise: number;
}

/** By CPU, a ratio says how many requests the same time would be enough for. */
function ratiosOf({ open, again, guarded, passport }: Results): Record<'byThroughput' | 'byCpu', Ratios> {
  return {
    byThroughput: {
      ofOpen: ratio(guarded, open, 'perSecond'),
      ofPassport: ratio(guarded, passport, 'perSecond'),
      ceiling: ratio(open, passport, 'perSecond'),
      noise: ratio(again, open, 'perSecond'),
    },
    byCpu: {
      ofOpen: ratio(open, guarded, 'cpuPerRequest'),
      ofPassport: ratio(passport, guarded, 'cpuPerRequest'),
      ceiling: ratio(passport, open, 'cpuPerRequest'),
      noise: ratio(open, again, 'cpuPerRequest'),
    },
  };
}

function inWords(byThroughput: Ratios, byCpu: Ratios): string {
  const both = (name: keyof Ratios, write: (ratio: number) => string) =>
    `${write(byThroughput[name])} by throughput, ${write(byCpu[name])} by CPU`;
  const times = (value: number) => `${value.toFixed(1)} times`;
  return [
    `- guarded, of open: ${both('ofOpen', percent)}`,
    `- guarded, of plain Passport: ${both('ofPassport', times)}`,
    `- the open route, of plain Passport: ${both('ceiling', times)}`,
    `- A/A: ${both('noise', percent)}`,
  ].join('\n');
}

function tableOf(adapter: Adapter, results: Results): string {
  const { open } = results;
  return table(
    [adapter, 'requests/s', 'of open', 'CPU µs', 'of open', 'p50 ms', 'p99 ms'],
    Object.values(results).map((one) => [
      one.name,
      Math.round(one.perSecond).toLocaleString('en'),
      percent(ratio(one, open, 'perSecond')),
      one.cpuPerRequest,
      percent(ratio(open, one, 'cpuPerRequest')),
      one.p50,
      one.p99,
    ]),
  );
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}
