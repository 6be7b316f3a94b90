import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';
import { normalizeOrigin } from './origin.js';

type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * CORS for the listed origins, with credentials: `app.use(corsFor(['https://app.example.com']))`. Any other origin sees no
 * `Access-Control-*` header at all. Origins are compared in their canonical spelling ({@link normalizeOrigin}); the answer repeats
 * the header `Origin` exactly as it was sent, since browsers compare the text (Fetch §4.9, CORS check).
 * @throws Error for an entry that is no origin: a wildcard, `null`, a URL with a path
 */
export function corsFor(origins: readonly string[]): Middleware {
  const listed = new Set(origins.map(canonical));
  const allowed = cors({
    origin: true,
    credentials: true,
    maxAge: 600,
    exposedHeaders: ['Retry-After', 'WWW-Authenticate'],
  });
  return (request, response, next) => {
    const { origin } = request.headers;
    if (origin !== undefined && isListed(origin, listed)) {
      allowed(request as Parameters<typeof allowed>[0], response as Parameters<typeof allowed>[1], next);
      return;
    }
    // A shared cache must not hand this answer to an allowed origin.
    response.setHeader('Vary', 'Origin');
    next();
  };
}

function canonical(origin: string, index: number): string {
  const found = normalizeOrigin(origin);
  if (found === undefined)
    throw new Error(`corsFor: origin ${index} must be an origin such as https://app.example.com`);
  return found;
}

function isListed(origin: string, listed: ReadonlySet<string>): boolean {
  const found = normalizeOrigin(origin);
  return found !== undefined && listed.has(found);
}
