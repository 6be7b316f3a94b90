/** Milliseconds. */
export interface Timing {
  readonly p50: number;
  readonly p95: number;
}

const REPEATS = 30;
const WARM_UP = 5;

/** Runs `work` 30 times after a warm-up, one after the other. */
export async function measure(work: () => Promise<unknown>): Promise<Timing> {
  for (let n = 0; n < WARM_UP; n += 1) await work();
  const times: number[] = [];
  for (let n = 0; n < REPEATS; n += 1) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { p50: percentile(times, 0.5), p95: percentile(times, 0.95) };
}

function percentile(sorted: number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

/** The round with the lowest median: on a machine with other work the one that was disturbed least. */
export function quietest(rounds: readonly Timing[]): Timing {
  return rounds.reduce((best, round) => (round.p50 < best.p50 ? round : best));
}
