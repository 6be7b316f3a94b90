import { availableParallelism } from 'node:os';
import { type BenchOptions, progress, withDatabase } from './bench-database.js';
import { tokenOf } from './growth/seed.js';
import { HttpLoad, requestText } from './load/http-load.js';
import { assertAnswered, interleave, type Interleaved, type InterleavedCase } from './load/interleave.js';
import { PinnedProcess } from './load/pinned-process.js';
import { table, writeChart, writeResults } from './report.js';

const NAME = 'replicas';
const COUNTS = [1, 2, 4];
const CORES = availableParallelism();
const USERS = 10_000;
/** In all, however many processes they are spread over. */
const CONNECTIONS = 32;

/** One, two and four auth servers on one PostgreSQL. Nothing is judged: what comes of it depends on the cores that there are. */
export function run({ databaseUrl, rounds }: BenchOptions): Promise<boolean> {
  return withDatabase(databaseUrl, async (url) => {
    const processes: PinnedProcess[] = [];
    try {
      for (let n = 0; n < Math.max(...COUNTS); n += 1)
        processes.push(
          await PinnedProcess.start(new URL('./growth/auth.server.ts', import.meta.url), {
            args: [url],
            // The last core first: the load begins at the other end.
            core: CORES - 1 - (n % CORES),
          }),
        );
      progress('Making users …');
      await processes[0]!.call('seed', { name: '', users: USERS, refreshTokens: USERS });
      const books = new Sessions();
      const cases = await Promise.all(COUNTS.map((count) => refreshing(processes.slice(0, count), books)));
      progress('Measuring …');
      const measured = await interleave(cases, { sliceMilliseconds: 1000, slices: rounds * 2, warmUp: 2 });
      for (const one of cases) one.close();
      return report(measured);
    } finally {
      await Promise.all(processes.map((one) => one.stop()));
    }
  });
}

/** The live refresh token of each session; one that is under way is nobody else's. */
class Sessions {
  private readonly free = Array.from({ length: USERS }, (_, n) => tokenOf(n + 1));

  take(): string {
    return this.free.shift()!;
  }

  giveBack(token: string): void {
    this.free.push(token);
  }
}

async function refreshing(
  processes: readonly PinnedProcess[],
  books: Sessions,
): Promise<InterleavedCase & { close(): void }> {
  const loads = await Promise.all(
    processes.map(({ url }) =>
      HttpLoad.open({
        url,
        connections: CONNECTIONS / processes.length,
        request: () =>
          requestText(
            'POST',
            '/auth/refresh',
            { 'content-type': 'application/json' },
            JSON.stringify({ refresh_token: books.take() }),
          ),
        onAnswer: (_connection, _status, body) =>
          books.giveBack(/"refresh_token":"([\w-]+)"/.exec(body)?.[1] ?? ''),
      }),
    ),
  );
  return {
    name: `${processes.length} auth server${processes.length > 1 ? 's' : ''}`,
    slice: async (milliseconds) => {
      const results = await Promise.all(loads.map((load) => load.run(milliseconds)));
      const byStatus: Record<string, number> = {};
      for (const result of results)
        for (const [status, count] of Object.entries(result.byStatus))
          byStatus[status] = (byStatus[status] ?? 0) + count;
      return {
        requests: sum(results.map(({ requests }) => requests)),
        perSecond: sum(results.map(({ perSecond }) => perSecond)),
        p50: Math.max(...results.map(({ p50 }) => p50)),
        p99: Math.max(...results.map(({ p99 }) => p99)),
        byStatus,
        lost: sum(results.map(({ lost }) => lost)),
      };
    },
    cpu: async () => sum(await Promise.all(processes.map(async (one) => (await one.usage()).cpu))),
    close: () => {
      for (const load of loads) load.close();
    },
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function report(measured: readonly Interleaved[]): boolean {
  assertAnswered(measured);
  console.log(
    table(
      ['POST /auth/refresh', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs'],
      measured.map(({ name, perSecond, p50, p99, cpuPerRequest }) => [
        name,
        Math.round(perSecond).toLocaleString('en'),
        p50,
        p99,
        cpuPerRequest,
      ]),
    ),
  );
  writeResults(NAME, { cores: CORES, connections: CONNECTIONS, results: measured });
  writeChart(
    NAME,
    `Refreshes per second, ${CORES} cores for auth servers, PostgreSQL and load together`,
    measured.map(({ name, perSecond }) => ({ name, value: perSecond })),
  );
  return true;
}
