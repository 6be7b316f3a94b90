/** Tells the time. Tests put a clock of their own in its place. */
export abstract class Clock {
  abstract now(): Date;
}

/** The time of this machine. */
export class SystemClock extends Clock {
  override now(): Date {
    return new Date();
  }
}
