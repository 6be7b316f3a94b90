import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * A refresh or a logout by cookie has no body, but many clients announce JSON all the same. Express takes that for no body, Fastify
 * for bad JSON. Without the announcement both agree.
 */
export function dropEmptyJsonBody(
  request: IncomingMessage,
  _response: ServerResponse,
  next: () => void,
): void {
  const { headers } = request;
  const empty = headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0';
  // No other type: a form's is a reason to refuse the request.
  if (empty && /^\s*application\/json\b/i.test(headers['content-type'] ?? '')) delete headers['content-type'];
  next();
}
