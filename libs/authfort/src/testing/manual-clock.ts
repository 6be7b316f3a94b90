import { Clock } from 'authfort-service';

/** A clock that stands still until a test moves it. */
export class ManualClock extends Clock {
  private current: Date;

  /** Default: 1 January 2026, 00:00 UTC. */
  constructor(start: Date = new Date('2026-01-01T00:00:00Z')) {
    super();
    this.current = new Date(start);
  }

  override now(): Date {
    // A copy: a caller that changes its date must not change the time.
    return new Date(this.current);
  }

  /** Moves the clock forward (or back, for a negative number). */
  advance(seconds: number): void {
    this.current = new Date(this.current.getTime() + seconds * 1000);
  }

  set(date: Date): void {
    this.current = new Date(date);
  }
}
