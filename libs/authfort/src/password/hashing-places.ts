/** The bounds of {@link HashingPlaces}. */
interface Bounds {
  /** Holders at a time. */
  readonly concurrency: number;
  /** Waiters at a time. */
  readonly queue: number;
}

type Settle = (granted: boolean) => void;

/**
 * A bounded number of places, and a bounded queue for them that is fair between networks.
 *
 * Each network has its own line, and the lines receive free places in turn. When the queue is full, a network with a shorter line takes the
 * last position of the longest one, so one network cannot fill the queue. A network with a sign-in takes the position of a network without
 * one, so many networks cannot fill it either. A waiter that loses its position has lost only time. The number of lines is at most the
 * number of waiters.
 */
export class HashingPlaces {
  private holders = 0;
  private waiters = 0;
  private paused = 0;
  /** In the order of their turns: a line that was served moves to the end. */
  private readonly lines = new Map<string, Settle[]>();
  /** Networks with a sign-in at this process, the latest last. */
  private readonly trusted = new Set<string>();

  constructor(private readonly bounds: Bounds) {}

  /** How many wait. */
  get waiting(): number {
    return this.waiters;
  }

  /**
   * Waits for a place. Call {@link release} afterwards if it was granted.
   * @returns true, or a promise of whether the place was granted; false: the queue is full
   */
  acquire(network: string): boolean | Promise<boolean> {
    if (this.holders < this.bounds.concurrency) {
      this.holders += 1;
      return true;
    }
    if (this.waiters + this.paused >= this.bounds.queue && !this.displaceFor(network)) return false;
    return new Promise<boolean>((settle) => {
      const line = this.lines.get(network);
      if (line) line.push(settle);
      else this.lines.set(network, [settle]);
      this.waiters += 1;
    });
  }

  /** A user has signed in from this network. */
  trust(network: string): void {
    this.trusted.delete(network);
    if (this.trusted.size >= TRUSTED_NETWORKS) this.trusted.delete(this.trusted.keys().next().value!);
    // A copy: a part of a header keeps all of the header in memory.
    this.trusted.add(Buffer.from(network, 'latin1').toString('latin1'));
  }

  release(): void {
    const [network, line] = this.lines.entries().next().value ?? [];
    if (network === undefined || line === undefined) {
      this.holders -= 1;
      return;
    }
    // The holder hands its place over, so the number of holders does not change.
    const next = line.shift()!;
    this.waiters -= 1;
    this.lines.delete(network);
    if (line.length > 0) this.lines.set(network, line);
    next(true);
  }

  /**
   * Gives the place up during `work`, which does not hash, and waits for another one. It keeps its position among the waiters.
   * Holders that pause take at most half of the queue. Beyond that, a holder keeps its place during `work`: otherwise any number of
   * requests could be admitted while `work` is slow, and all of them would resume in front of the waiters.
   */
  async pause<T>(work: () => Promise<T>): Promise<T> {
    if (this.paused >= Math.floor(this.bounds.queue / 2)) return work();
    this.paused += 1;
    this.release();
    try {
      return await work();
    } finally {
      this.paused -= 1;
      if (this.holders < this.bounds.concurrency) this.holders += 1;
      else await this.resume();
    }
  }

  /** In front of all others: the work has been accepted already. */
  private resume(): Promise<unknown> {
    return new Promise((settle) => {
      const others = [...this.lines];
      this.lines.clear();
      const [, resumed = []] = others.find(([network]) => network === RESUMED) ?? [];
      this.lines.set(RESUMED, [...resumed, settle]);
      for (const [network, line] of others) if (network !== RESUMED) this.lines.set(network, line);
      this.waiters += 1;
    });
  }

  /**
   * Takes the last position of the longest line that qualifies. A line qualifies if it is longer by two than the line of `network`. If
   * `network` is trusted and has no line yet, every line of a network that is not trusted qualifies.
   * @returns false when no line qualifies
   */
  private displaceFor(network: string): boolean {
    const mine = this.lines.get(network)?.length ?? 0;
    const favoured = mine === 0 && this.trusted.has(network);
    let longest: Settle[] | undefined;
    let of = '';
    for (const [other, line] of this.lines) {
      const least = favoured && !this.trusted.has(other) ? 1 : mine + 2;
      if (other === RESUMED || line.length < least || line.length <= (longest?.length ?? 0)) continue;
      longest = line;
      of = other;
    }
    if (longest === undefined) return false;
    longest.pop()!(false);
    this.waiters -= 1;
    if (longest.length === 0) this.lines.delete(of);
    return true;
  }
}

/** Most networks with a sign-in that are remembered. */
const TRUSTED_NETWORKS = 10_000;

/** Differs from every network. */
const RESUMED = 'resumed';
