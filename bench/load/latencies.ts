/** Collects latencies in milliseconds; it grows as needed and allocates nothing for a single one. */
export class Latencies {
  private values = new Float64Array(65_536);
  private count = 0;

  add(milliseconds: number): void {
    if (this.count === this.values.length) {
      const wider = new Float64Array(this.count * 2);
      wider.set(this.values);
      this.values = wider;
    }
    this.values[this.count] = milliseconds;
    this.count += 1;
  }

  /** The given parts (0.5 is the median), in milliseconds; NaN when nothing was collected. */
  percentiles<const P extends readonly number[]>(parts: P): { [K in keyof P]: number } {
    const sorted = this.values.slice(0, this.count).sort();
    const at = (part: number) => sorted[Math.min(this.count - 1, Math.floor(this.count * part))] ?? NaN;
    return parts.map(at) as { [K in keyof P]: number };
  }
}
