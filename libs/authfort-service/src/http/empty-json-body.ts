import type { IncomingHttpHeaders } from 'node:http';

/** Node's request. HTTP/2 requests have a `stream` and no `transfer-encoding`. */
export interface FramedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly stream?: { readonly endAfterHeaders?: boolean } | undefined;
}

/**
 * Whether a request has a body, according to its framing: by its headers (RFC 9112 §6.3), or by the flag END_STREAM of its header frame
 * (RFC 9113 §8.1). `unknown`: the body has to be read.
 */
export function bodyFraming({ headers, stream }: FramedRequest): 'empty' | 'present' | 'unknown' {
  const length = headers['content-length'];
  if (headers['transfer-encoding'] !== undefined) return 'unknown';
  if (length !== undefined) return Number(length) === 0 ? 'empty' : 'present';
  return stream && stream.endAfterHeaders !== true ? 'unknown' : 'empty';
}

/**
 * Removes `Content-Type: application/json` from a request without a body. Many clients send it on every request. Express takes that
 * for no body, Fastify for invalid JSON; without the header both agree. Other types stay: a form's is a reason to refuse the request.
 */
export function dropJsonType(headers: IncomingHttpHeaders): void {
  if (/^\s*application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) delete headers['content-type'];
}
