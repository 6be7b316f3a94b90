import type { RateLimitRule } from '../options/auth-fort.options.js';
import { type Counter, CounterTable } from './counter-table.js';

/** Why a request is not within a limit. */
export interface Refusal {
  readonly waitMs: number;
  /** Whether it is the first one in this window. */
  readonly first: boolean;
}

/**
 * What the client and the networks around it may do, as multiples of the rule: the client itself, its /24 or /48, its /16 or /32
 * (IPv4 or IPv6). An operator of a whole network may make as many requests as ten clients.
 */
export const LEVELS = [1, 10, 100] as const;

/** Keys of one limit in the memory of one process, by level. 20 000 keys take some 3 MB. */
const SIZES = [10_000, 5_000, 5_000] as const;

/** Counts one limit in the memory of this process. */
export class MemoryCounters {
  private readonly tables: readonly CounterTable[];

  constructor({ points, durationSeconds }: RateLimitRule) {
    this.tables = LEVELS.map(
      (factor, level) => new CounterTable(points * factor, durationSeconds * 1000, SIZES[level]!),
    );
  }

  /**
   * Counts a request, unless one of its keys has reached its limit. Refused requests are not counted, so a client beyond its limit does not
   * use up the share of its neighbours.
   * @param keys the client's own key, then those of the networks around it
   * @param now milliseconds since 1970
   */
  take(keys: readonly string[], now: number): Refusal | undefined {
    const tables = keys.map((_, level) => this.tables[level]!);
    for (const [level, table] of tables.entries()) {
      const counter = table.find(keys[level]!, now);
      if (counter && counter.count >= table.points) return refuse(counter, table.points, now);
    }
    for (const [level, table] of tables.entries()) {
      const budget = table.exhausted(keys[level]!, now);
      if (budget) return refuse(budget, table.replacementsPerWindow, now);
    }
    for (const [level, table] of tables.entries()) table.add(keys[level]!, now);
    return undefined;
  }
}

/** One more than the limit notes that the first refusal has been answered. */
function refuse(counter: Counter, limit: number, now: number): Refusal {
  const first = counter.count === limit;
  counter.count = limit + 1;
  return { waitMs: counter.endsAt - now, first };
}
