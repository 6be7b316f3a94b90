const LONGEST_TIMER_MS = 2 ** 31 - 1;
const AGAIN_MS = 15_000;

/**
 * Wakes the client: shortly before its tokens end, and when the page becomes visible or the network returns. Timers stop while a
 * computer sleeps, so the clock decides.
 */
export interface Schedule {
  /** Whether the tokens have to be refreshed now. */
  due(): boolean;
  /** @param end ms since 1970; Infinity: there is nothing to wake up for */
  tokensEnd(end: number): void;
  /** Wakes the client after a failure. */
  soon(): void;
  dispose(): void;
}

/** @param bufferMs how long before their end tokens are refreshed */
export function createSchedule(bufferMs: number, wake: () => void): Schedule {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dueAt = Infinity;
  const end = new AbortController();
  const { signal } = end;
  const due = () => Date.now() >= dueAt;
  // The clock may have been set back; and a timer may fire within the millisecond before.
  const arm = (): void => wakeIn(dueAt - Date.now() + 1, () => (due() ? wake() : arm()));

  function wakeIn(ms: number, action: () => void): void {
    clearTimeout(timer);
    if (ms === Infinity || signal.aborted) return;
    timer = setTimeout(action, Math.min(ms, LONGEST_TIMER_MS));
    // In Node a timer would keep the process alive.
    (timer as { unref?: () => void }).unref?.();
  }

  if (typeof document === 'object') {
    const seen = () => document.visibilityState === 'hidden' || wake();
    document.addEventListener('visibilitychange', seen, { signal });
    addEventListener('online', seen, { signal });
  }
  return {
    due,
    tokensEnd: (tokensEnd) => {
      // Tokens that live shorter than the buffer are not refreshed all the time.
      dueAt = tokensEnd - Math.min(bufferMs, (tokensEnd - Date.now()) / 2);
      arm();
    },
    soon: () => wakeIn(AGAIN_MS, wake),
    dispose: () => {
      clearTimeout(timer);
      end.abort();
    },
  };
}
