import { clientError } from '../errors/auth-client.error.js';

/** Stops waiting when the signal says so; the work itself goes on. @throws AuthClientError `aborted` */
export function orAbort<T>(work: Promise<T>, signal?: AbortSignal | null): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(clientError('aborted'));
    // What is ready comes first: a `fetch` with such a signal fails as the browser's own does.
    if (signal.aborted) setTimeout(abort);
    signal.addEventListener('abort', abort);
    const stop = () => signal.removeEventListener('abort', abort);
    work.then(resolve, reject).finally(stop);
  });
}
