import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';

type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * CORS for the listed origins, with credentials: `app.use(corsFor(['https://app.example.com']))`. Any other origin sees no
 * `Access-Control-*` header at all.
 */
export function corsFor(origins: readonly string[]): Middleware {
  const allowed = cors({
    origin: true,
    credentials: true,
    maxAge: 600,
    exposedHeaders: ['Retry-After', 'WWW-Authenticate'],
  });
  return (request, response, next) => {
    const { origin } = request.headers;
    if (origin !== undefined && origins.includes(origin)) {
      allowed(request as Parameters<typeof allowed>[0], response as Parameters<typeof allowed>[1], next);
      return;
    }
    // A shared cache must not hand this answer to an allowed origin.
    response.setHeader('Vary', 'Origin');
    next();
  };
}
