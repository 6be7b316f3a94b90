/** Tells the time. Tests put a clock of their own in its place. */
export abstract class Clock {
  abstract now(): Date;

  /** Milliseconds since 1970: the same time, for what is asked on each request. Default: read from {@link now}. */
  nowMs(): number {
    return this.now().getTime();
  }
}

/** The time of this machine. */
export class SystemClock extends Clock {
  override now(): Date {
    return new Date();
  }

  override nowMs(): number {
    // A clock that is made from this one by another `now` is to be believed here too.
    return this.now === SystemClock.prototype.now ? Date.now() : super.nowMs();
  }
}
