import type { IncomingHttpHeaders } from 'node:http';
import { accessError } from '../errors/access-errors.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const SIMPLE_CONTENT = /^\s*(text\/plain|multipart\/form-data|application\/x-www-form-urlencoded)\s*(;|$)/i;

/**
 * Refuses a state-changing request that a page of another site may have caused. `Origin` decides where it is sent: it has to be on
 * the list, or the host that the request went to. Else `Sec-Fetch-Site` does. A client that sends neither is no browser. Content types
 * that a form can send without a preflight are refused as well.
 * @throws AuthFortError `csrf_rejected`
 */
export function assertNotCrossSite(
  { method, headers }: { readonly method: string; readonly headers: IncomingHttpHeaders },
  allowedOrigins: readonly string[],
): void {
  if (SAFE_METHODS.has(method.toUpperCase())) return;
  const site = headers['sec-fetch-site'];
  const fine =
    headers.origin === undefined
      ? site === undefined || site === 'same-origin' || site === 'none'
      : allowedOrigins.includes(headers.origin) ||
        (isSameHost(headers.origin, headers.host) && (site === undefined || site === 'same-origin'));
  if (!fine || SIMPLE_CONTENT.test(headers['content-type'] ?? '')) throw accessError('csrf_rejected');
}

/**
 * Behind a proxy that ends TLS the scheme is not known here, so the host (with its port) decides; where the browser sends
 * `Sec-Fetch-Site` it tells the two schemes of one host apart.
 */
function isSameHost(origin: string, host: string | undefined): boolean {
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
