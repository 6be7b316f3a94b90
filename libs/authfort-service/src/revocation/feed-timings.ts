import { setTimeout as sleep } from 'node:timers/promises';
import { FeedError } from './feed.error.js';

/** The rhythm of the feed; all in milliseconds. */
export interface FeedTimings {
  /** Before the second attempt, unless the server asks for another pause. It doubles with each failure. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** After an answer that says that the feed is not for us. */
  readonly refusedPauseMs: number;
  /** A stream that tells nothing for so long is given up: the server tells something every second. */
  readonly silenceMs: number;
  /** Between two polls, where streams do not get through. */
  readonly pollMs: number;
  /** How long a poll may take. */
  readonly pollTimeoutMs: number;
  /** While polls work, the stream is tried again so often. */
  readonly streamAgainMs: number;
}

export const FEED_TIMINGS: FeedTimings = {
  firstPauseMs: 200,
  longestPauseMs: 5000,
  refusedPauseMs: 15_000,
  silenceMs: 3000,
  pollMs: 1000,
  pollTimeoutMs: 5000,
  streamAgainMs: 30_000,
};

/** Whatever a server asks for: soon enough to hear of revocations, and not as a flood. */
const SHORTEST_ASKED_MS = 100;
const LONGEST_ASKED_MS = 30_000;

/** The pause after a number of failures, with jitter: a fleet must not come back all at once. */
export function backoffMs(failures: number, timings: FeedTimings, askedMs?: number): number {
  const first =
    askedMs === undefined
      ? timings.firstPauseMs
      : Math.min(Math.max(askedMs, SHORTEST_ASKED_MS), LONGEST_ASKED_MS);
  const longest = Math.max(first, timings.longestPauseMs);
  return Math.min(first * 2 ** Math.min(failures, 20), longest) * (0.5 + Math.random() / 2);
}

/** The same pause each time, with jitter. */
export function refusedMs({ refusedPauseMs }: FeedTimings): number {
  return refusedPauseMs * (0.5 + Math.random() / 2);
}

/** Waits, or not any longer when it is stopped. Keeps no process alive. */
export async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop, ref: false }).catch(() => undefined);
}

/**
 * Does something that ends when it is stopped, or when `ms` pass without a sign of life. Whatever it has opened is closed with it.
 * @throws FeedError `silent`
 */
export async function watched<T>(
  stop: AbortSignal,
  ms: number,
  work: (signal: AbortSignal, alive: () => void) => Promise<T>,
): Promise<T> {
  const attempt = new AbortController();
  const end = (): void => attempt.abort();
  const timer = setTimeout(
    () => attempt.abort(new FeedError('silent', `nothing came for ${ms / 1000} s`)),
    ms,
  ).unref();
  if (stop.aborted) end();
  stop.addEventListener('abort', end);
  try {
    // Not left to the work alone: fetch may forget its signal (see `bodyOf`).
    return await Promise.race([work(attempt.signal, () => void timer.refresh()), aborted(attempt.signal)]);
  } catch (error) {
    throw attempt.signal.reason instanceof FeedError ? attempt.signal.reason : error;
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', end);
    end();
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });
}
