import { AuthClientError } from '../errors/auth-client.error.js';

/** Stops waiting when the signal says so; the work itself goes on. @throws AuthClientError `aborted` */
export async function orAbort<T>(work: Promise<T>, signal?: AbortSignal | null): Promise<T> {
  if (!signal) return work;
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new AuthClientError('The request was aborted', 'aborted', 0));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
