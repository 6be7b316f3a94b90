import { Logger } from '@nestjs/common';

/** Shortest time between two log lines of one cause, in milliseconds. */
const WINDOW_MS = 1000;
/** Most causes with a line each in a window; the others share one line. */
const MAX_CAUSES = 100;
/** Longest text of a cause. */
const MAX_LENGTH = 300;

/**
 * Logs why requests are answered with 503. The first answer of each cause is logged with the stack of the cause; those that follow
 * within a second are counted, and the count is logged at the end of that second. So a flood of 503 answers does not flood the log.
 */
export class UnavailableLog {
  private readonly logger = new Logger('Unavailable');
  /** How often each cause came again in its window. */
  private readonly repeats = new Map<string, number>();

  /** @param error the thrown value; its `cause` is logged, or else its message */
  record(code: string, error: unknown): void {
    const cause = deepestCause(error);
    const text = `503 ${code}: ${describe(cause)}`;
    const key = this.repeats.has(text) || this.repeats.size < MAX_CAUSES ? text : '503 for other causes';
    const repeats = this.repeats.get(key);
    if (repeats !== undefined) return void this.repeats.set(key, repeats + 1);
    this.repeats.set(key, 0);
    this.logger.error(text, cause instanceof Error ? cause.stack : undefined);
    setTimeout(() => this.endWindow(key), WINDOW_MS).unref();
  }

  private endWindow(key: string): void {
    const repeats = this.repeats.get(key);
    this.repeats.delete(key);
    if (repeats) this.logger.error(`${key} (${repeats} more within ${WINDOW_MS / 1000} s)`);
  }
}

/** One instance for the process: all filters and transports count in the same window. */
export const unavailableLog = new UnavailableLog();

/** The innermost `cause`. Ten levels are more than real errors have. */
function deepestCause(error: unknown): unknown {
  let deepest = error;
  for (let level = 0; level < 10 && deepest instanceof Error && deepest.cause !== undefined; level += 1)
    deepest = deepest.cause;
  return deepest;
}

/** A network error may have a code and no message. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause === 'string' ? clean(cause) : 'unknown cause';
  const { code } = cause as { code?: unknown };
  const suffix = typeof code === 'string' && !cause.message.includes(code) ? ` (${code})` : '';
  return clean(`${cause.message || cause.name}${suffix}`);
}

/** One line of bounded length. */
function clean(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, MAX_LENGTH);
}
