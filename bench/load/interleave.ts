import type { LoadResult } from './http-load.js';

/** One of the things that are compared. */
export interface InterleavedCase {
  readonly name: string;
  /** Works for about that long. */
  readonly slice: (milliseconds: number) => Promise<LoadResult>;
  /** CPU time that its server has used up to now, in microseconds. */
  readonly cpu?: () => Promise<number>;
}

/** Medians over the slices of a case. */
export interface Interleaved {
  readonly name: string;
  readonly perSecond: number;
  /** Of the server, in microseconds; NaN where it is not known. */
  readonly cpuPerRequest: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly requests: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly lost: number;
  /** Each slice, in the order of the rounds; see {@link ratio}. */
  readonly slices: readonly Slice[];
}

/** One slice of a case. */
export interface Slice {
  readonly perSecond: number;
  readonly cpuPerRequest: number;
  readonly p50: number;
  readonly p99: number;
}

/** How long, and how often. */
export interface InterleaveOptions {
  /** Default 400. */
  readonly sliceMilliseconds?: number;
  /** Slices of each case; default 15. */
  readonly slices?: number;
  /** Slices before, which do not count; default 3. */
  readonly warmUp?: number;
}

type MeasuredSlice = LoadResult & Slice;

/**
 * Runs the cases in short slices by turns, so that whatever else the machine does hits them alike; each round begins with another
 * case. @returns one result a case, in the order of the cases
 */
export async function interleave(
  cases: readonly InterleavedCase[],
  { sliceMilliseconds = 400, slices = 15, warmUp = 3 }: InterleaveOptions = {},
): Promise<Interleaved[]> {
  const results = cases.map((): MeasuredSlice[] => []);
  for (let round = -warmUp; round < slices; round += 1) {
    for (let turn = 0; turn < cases.length; turn += 1) {
      const n = (turn + round + warmUp) % cases.length;
      const slice = await runSlice(cases[n]!, sliceMilliseconds);
      if (round >= 0) results[n]!.push(slice);
    }
  }
  return cases.map(({ name }, n) => summary(name, results[n]!));
}

async function runSlice({ slice, cpu }: InterleavedCase, milliseconds: number): Promise<MeasuredSlice> {
  const before = await cpu?.();
  const result = await slice(milliseconds);
  const after = await cpu?.();
  const used = before === undefined || after === undefined ? NaN : after - before;
  return { ...result, cpuPerRequest: used / result.requests };
}

function summary(name: string, slices: readonly MeasuredSlice[]): Interleaved {
  const byStatus: Record<string, number> = {};
  for (const slice of slices)
    for (const [status, count] of Object.entries(slice.byStatus))
      byStatus[status] = (byStatus[status] ?? 0) + count;
  const of = (property: keyof Slice) => median(slices.map((slice) => slice[property]));
  const sum = (property: 'requests' | 'lost') => slices.reduce((total, slice) => total + slice[property], 0);
  return {
    name,
    perSecond: of('perSecond'),
    cpuPerRequest: of('cpuPerRequest'),
    p50: of('p50'),
    p99: of('p99'),
    requests: sum('requests'),
    byStatus,
    lost: sum('lost'),
    slices,
  };
}

/**
 * How many times as much one case has as another: the median over the rounds, each of which compares two slices that ran close to each
 * other. Steadier than a ratio of medians where the machine has other work.
 */
export function ratio(a: Interleaved, b: Interleaved, of: keyof Slice): number {
  return median(a.slices.map((slice, round) => slice[of] / b.slices[round]![of]));
}

/** NaN for no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** @throws Error when a request was lost, or answered with anything but 200 */
export function assertAnswered(measured: readonly Interleaved[]): void {
  for (const { name, byStatus, lost } of measured)
    if (Object.keys(byStatus).join() !== '200' || lost > 0)
      throw new Error(`"${name}" was not always answered: ${JSON.stringify({ byStatus, lost })}`);
}
