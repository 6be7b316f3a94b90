import type { IncomingHttpHeaders } from 'node:http';
import { accessError } from '../errors/access-errors.js';
import { isHostOf, normalizeOrigin } from '../http/origin.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const SIMPLE_CONTENT = /^\s*(text\/plain|multipart\/form-data|application\/x-www-form-urlencoded)\s*(;|$)/i;

/** The parts of a request that show its origin. */
export interface RequestOrigin {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Node's socket. TLS sockets have `encrypted: true`. */
  readonly socket?: object | null;
}

/**
 * Refuses a state-changing request that a page of another site may have caused. `Origin` decides where it is sent: it has to be on
 * the list, or the host that the request went to. Otherwise `Sec-Fetch-Site` decides. A client that sends neither is no browser.
 * Content types that a form can send without a preflight are refused as well.
 * @param allowedOrigins canonical spellings, see {@link normalizeOrigin}; the request may spell them differently
 * @throws AuthFortError `csrf_rejected`
 */
export function assertNotCrossSite(request: RequestOrigin, allowedOrigins: readonly string[]): void {
  const { method, headers } = request;
  if (SAFE_METHODS.has(method.toUpperCase())) return;
  const site = headers['sec-fetch-site'];
  const fine =
    headers.origin === undefined
      ? site === undefined || site === 'same-origin' || site === 'none'
      : isTrusted(headers.origin, request, allowedOrigins);
  if (!fine || SIMPLE_CONTENT.test(headers['content-type'] ?? '')) throw accessError('csrf_rejected');
}

function isTrusted(given: string, request: RequestOrigin, allowedOrigins: readonly string[]): boolean {
  if (allowedOrigins.includes(given) && given !== 'null') return true;
  const origin = normalizeOrigin(given);
  if (origin === undefined) return false;
  if (allowedOrigins.includes(origin)) return true;
  const site = request.headers['sec-fetch-site'];
  if (!isSameHost(origin, request.headers)) return false;
  return site === undefined ? !isDowngrade(origin, request) : site === 'same-origin';
}

/**
 * The host and its port decide: the scheme of the page is unknown behind a proxy that ends TLS. Where the browser sends
 * `Sec-Fetch-Site`, that header distinguishes the two schemes of one host. HTTP/2 names the host in `:authority`; a `Host` that
 * differs from it makes the request malformed (RFC 9113 §8.3.1). `X-Forwarded-Host` is ignored: any client can send it.
 */
function isSameHost(origin: string, headers: IncomingHttpHeaders): boolean {
  const named = [headers[':authority'], headers.host].filter((host) => host !== undefined);
  return named.length > 0 && named.every((host) => typeof host === 'string' && isHostOf(host, origin));
}

/** A page without TLS that writes to a server with TLS: anybody on the network path can write such a page. */
function isDowngrade(origin: string, { socket }: RequestOrigin): boolean {
  return (
    origin.startsWith('http:') && (socket as { encrypted?: boolean } | null | undefined)?.encrypted === true
  );
}
