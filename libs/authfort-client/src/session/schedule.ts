const LONGEST_TIMER_MS = 2 ** 31 - 1;
const AGAIN_MS = 15_000;

/**
 * Wakes the client: shortly before its tokens end, and when the page is seen or the network is there again. Timers stand still while a
 * computer sleeps, so what counts is the clock.
 */
export class Schedule {
  readonly #bufferMs: number;
  readonly #wake: () => void;
  readonly #end = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueAt = Infinity;

  /** @param bufferMs how long before their end tokens are refreshed */
  constructor(bufferMs: number, wake: () => void) {
    this.#bufferMs = bufferMs;
    this.#wake = wake;
    const { signal } = this.#end;
    const seen = () => document.visibilityState === 'hidden' || wake();
    if (typeof document !== 'object') return;
    document.addEventListener('visibilitychange', seen, { signal });
    addEventListener('online', seen, { signal });
  }

  get due(): boolean {
    return Date.now() >= this.#dueAt;
  }

  /** @param end ms since 1970; Infinity: there is nothing to wake up for */
  tokensEnd(end: number): void {
    // Tokens that live shorter than the buffer are not refreshed all the time.
    this.#dueAt = end - Math.min(this.#bufferMs, (end - Date.now()) / 2);
    this.#arm();
  }

  /** After a failure. */
  soon(): void {
    this.#wakeIn(AGAIN_MS, this.#wake);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#end.abort();
  }

  #arm(): void {
    // The clock may have been set back meanwhile; and a timer may go off within the millisecond before.
    this.#wakeIn(this.#dueAt - Date.now() + 1, () => (this.due ? this.#wake() : this.#arm()));
  }

  #wakeIn(ms: number, action: () => void): void {
    clearTimeout(this.#timer);
    if (ms === Infinity || this.#end.signal.aborted) return;
    this.#timer = setTimeout(action, Math.min(ms, LONGEST_TIMER_MS));
    // In Node a timer would keep the process alive.
    (this.#timer as { unref?: () => void }).unref?.();
  }
}
