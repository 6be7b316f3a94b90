/** One count, and when it ends in milliseconds since 1970. */
export interface Counter {
  count: number;
  readonly endsAt: number;
}

/** How often a table that is full may replace one of its counts within a window, as a multiple of the points of one key. */
const REPLACEMENTS_PER_POINT = 100;

/**
 * Counts by key in fixed windows, in bounded memory.
 *
 * A full table removes expired counts. Without expired counts, a new key replaces the oldest key that was seen only once, so no client can
 * reset its higher count. Replacements have a budget in each window, and beyond it new keys are refused: a client with more addresses than
 * the table has places is limited as a whole.
 */
export class CounterTable {
  /** Seen once. In the order of their ends, as all windows are equally long. */
  private readonly once = new Map<string, Counter>();
  /** Seen more often: never replaced before their window is over. */
  private readonly often = new Map<string, Counter>();
  private replacements: Counter = { count: 0, endsAt: 0 };

  /** @param size how many keys there may be */
  constructor(
    readonly points: number,
    private readonly windowMs: number,
    private readonly size: number,
  ) {}

  /** How often a new key may take the place of another one in each window. */
  get replacementsPerWindow(): number {
    return this.points * REPLACEMENTS_PER_POINT;
  }

  /** How many keys there are, those included whose window is over. */
  get keys(): number {
    return this.once.size + this.often.size;
  }

  /** The count of the key, if its window is not over. */
  find(key: string, now: number): Counter | undefined {
    const found = this.often.get(key) ?? this.once.get(key);
    if (found === undefined || now < found.endsAt) return found;
    this.once.delete(key);
    this.often.delete(key);
    return undefined;
  }

  /** The budget of replacements, if a new key would exceed it. */
  exhausted(key: string, now: number): Counter | undefined {
    if (this.hasRoom(now) || this.find(key, now)) return undefined;
    if (this.replacements.endsAt <= now) this.replacements = { count: 0, endsAt: now + this.windowMs };
    return this.replacements.count < this.replacementsPerWindow ? undefined : this.replacements;
  }

  /** Counts one. Call {@link exhausted} before. */
  add(key: string, now: number): void {
    const found = this.find(key, now);
    if (found) {
      found.count += 1;
      if (this.once.delete(key)) this.often.set(key, found);
      return;
    }
    if (!this.hasRoom(now)) {
      this.replacements.count += 1;
      const oldest = this.once.keys().next().value;
      // Every key is in use: the new one is counted by the budget alone.
      if (oldest === undefined) return;
      this.once.delete(oldest);
    }
    this.once.set(key, { count: 1, endsAt: now + this.windowMs });
  }

  private hasRoom(now: number): boolean {
    if (this.keys < this.size) return true;
    for (const keys of [this.once, this.often]) {
      for (const [key, { endsAt }] of keys) {
        if (now < endsAt) break;
        keys.delete(key);
      }
    }
    return this.keys < this.size;
  }
}
