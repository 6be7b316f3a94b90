import { AuthClientError } from '../errors/auth-client.error.js';

const PAUSES_MS = [200, 500, 1000, 2000, 4000];

/** Waits; a page that ends does not wait for it. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Repeats `work` while it fails for a reason that may pass, until `budgetMs` is used up. @throws the last error, or at once one that
 * will not pass.
 */
export async function persistently<T>(
  work: () => Promise<T>,
  budgetMs: number,
  goOn: () => boolean,
): Promise<T> {
  const end = Date.now() + budgetMs;
  for (let n = 0; ; n += 1) {
    try {
      return await work();
    } catch (error) {
      const temporary = error instanceof AuthClientError && error.temporary;
      const wished = ((error as AuthClientError).retryAfter ?? 0) * 1000;
      const wait = Math.max(PAUSES_MS[n] ?? 4000, wished) * (1 + Math.random() / 4);
      if (!temporary || !goOn() || Date.now() + wait > end) throw error;
      await pause(wait);
    }
  }
}
