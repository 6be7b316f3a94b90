import { byId, element } from './dom.js';

const KEPT = 100;

/** `fetch`, with a line in the page's log for every request. */
export const loggedFetch: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  const { method, url } = request;
  const startedAt = performance.now();
  try {
    const response = await fetch(request);
    const { status } = response;
    // A 401 is how the page learns that its token has ended; the refresh follows.
    log(method, url, String(status), status < 400, performance.now() - startedAt);
    return response;
  } catch (error) {
    log(method, url, 'no answer', false, performance.now() - startedAt);
    throw error;
  }
};

function log(method: string, url: string, status: string, good: boolean, ms: number): void {
  const { host, pathname } = new URL(url);
  const row = element('tr');
  row.append(
    element('td', new Date().toLocaleTimeString()),
    element('td', status, { className: good ? 'good' : 'bad' }),
    element('td', `${method} ${host}${pathname}`, { className: 'request' }),
    element('td', `${Math.round(ms)} ms`),
  );
  const rows = byId('activity-rows');
  rows.prepend(row);
  while (rows.childElementCount > KEPT) rows.lastElementChild!.remove();
}
