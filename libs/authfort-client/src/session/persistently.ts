import { AuthClientError } from '../errors/auth-client.error.js';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 4000;

/** Waits; a page that ends does not wait for it. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Repeats `work` while it fails for a reason that may pass, until `budgetMs` is used up. @throws the last error, or at once one that
 * will not pass.
 */
export async function persistently<T>(work: () => Promise<T>, budgetMs: number): Promise<T> {
  const end = Date.now() + budgetMs;
  for (let n = 0; ; n += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AuthClientError && error.temporary)) throw error;
      const wait = Math.max(
        Math.min(FIRST_PAUSE_MS * 2 ** n, LONGEST_PAUSE_MS),
        (error.retryAfter ?? 0) * 1000,
      );
      if (Date.now() + wait > end) throw error;
      await pause(wait);
    }
  }
}
