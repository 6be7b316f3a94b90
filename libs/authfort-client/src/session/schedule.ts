const LONGEST_TIMER_MS = 2 ** 31 - 1;
const AGAIN_MS = 15_000;

/**
 * Wakes the client: shortly before its tokens end, and when the page is seen or the network is there again. Timers stand still while a
 * computer sleeps, so what counts is the clock.
 */
export class Schedule {
  readonly #bufferMs: number;
  readonly #wake: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueAt = Infinity;

  /** @param bufferMs how long before their end tokens are refreshed */
  constructor(bufferMs: number, wake: () => void) {
    this.#bufferMs = bufferMs;
    this.#wake = wake;
    if (typeof document !== 'object') return;
    document.addEventListener('visibilitychange', this.#onChange);
    addEventListener('online', this.#onChange);
  }

  get due(): boolean {
    return Date.now() >= this.#dueAt;
  }

  /** @param expiresAt ms since 1970; null: there is nothing to wake up for */
  tokensEnd(expiresAt: number | null): void {
    const left = expiresAt === null ? Infinity : expiresAt - Date.now();
    // Tokens that live shorter than the buffer are not refreshed all the time.
    this.#dueAt = expiresAt === null ? Infinity : expiresAt - Math.min(this.#bufferMs, left / 2);
    this.#wakeIn(this.#dueAt - Date.now());
  }

  /** After a failure. */
  soon(): void {
    this.#wakeIn(AGAIN_MS);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    if (typeof document !== 'object') return;
    document.removeEventListener('visibilitychange', this.#onChange);
    removeEventListener('online', this.#onChange);
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    if (ms === Infinity) return;
    this.#timer = setTimeout(this.#wake, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    // In Node a timer would keep the process alive.
    if (typeof this.#timer === 'object') (this.#timer as { unref?: () => void }).unref?.();
  }

  readonly #onChange = (): void => {
    if (document.visibilityState !== 'hidden') this.#wake();
  };
}
