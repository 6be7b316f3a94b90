import type { OnApplicationShutdown, OnModuleDestroy } from '@nestjs/common';

/** While the app shuts down a request may take this long (milliseconds): enough for a server that answers. */
const GRACE_MS = 500;

interface Attempt {
  readonly graceMs: number;
  /** Ends the attempt after `ms`, unless it ends earlier. */
  readonly endWithin: (ms: number) => void;
}

/**
 * The requests that the app sends to other servers. They end with the app: when it starts to close, each request has half a second left
 * unless it asked for more, and no request outlives `app.close()`. So a server that never answers delays neither the app nor the exit of
 * its process.
 */
export class OutgoingRequests implements OnModuleDestroy, OnApplicationShutdown {
  private readonly attempts = new Set<Attempt>();
  private closing = false;
  private closed = false;

  /**
   * Runs `work`, and aborts its signal after `timeoutMs` or when the app closes.
   * @param graceMs how long it may go on after the app was asked to close, in milliseconds. Default 500
   * @throws what `work` throws; the reason of the signal when it was aborted, also when `work` ignores that: a `DOMException` named
   * `TimeoutError`, or `AbortError` when the app closes
   */
  async run<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>, graceMs = GRACE_MS): Promise<T> {
    const controller = new AbortController();
    const { signal } = controller;
    const abort = (): void =>
      controller.abort(
        this.closing
          ? new DOMException('The app shuts down', 'AbortError')
          : new DOMException('The request timed out', 'TimeoutError'),
      );
    if (this.closed) abort();
    signal.throwIfAborted();
    let timer = setTimeout(abort, this.closing ? Math.min(timeoutMs, graceMs) : timeoutMs).unref();
    const endWithin = (ms: number): void => {
      clearTimeout(timer);
      if (ms <= 0) abort();
      else timer = setTimeout(abort, ms).unref();
    };
    const attempt = { graceMs, endWithin };
    this.attempts.add(attempt);
    try {
      return await Promise.race([work(signal), abortOf(signal)]);
    } finally {
      clearTimeout(timer);
      this.attempts.delete(attempt);
    }
  }

  /** Before the server waits for the requests that it still answers: they may wait for one of ours. */
  onModuleDestroy(): void {
    this.closing = true;
    for (const { graceMs, endWithin } of this.attempts) endWithin(graceMs);
  }

  onApplicationShutdown(): void {
    this.closed = true;
    for (const { endWithin } of this.attempts) endWithin(0);
  }
}

/** Not left to `fetch`: in Node.js 20 it may forget its signal while a body is read. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
