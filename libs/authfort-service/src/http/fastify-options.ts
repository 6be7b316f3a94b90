import { STATUS_CODES } from 'node:http';
import { accessError, type AccessErrorCode } from '../errors/access-errors.js';
import { bodyFraming, dropJsonType, type FramedRequest } from './empty-json-body.js';

interface FastifyReply {
  readonly raw: {
    statusCode: number;
    setHeader(name: string, value: string): unknown;
    end(body: string): unknown;
  };
}

interface ClientSocket {
  readonly destroyed: boolean;
  readonly writable: boolean;
  write(data: string): boolean;
  destroy(error?: Error): unknown;
}

/** These answers are given before any hook or middleware has run. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Type': 'application/json; charset=utf-8',
  'X-Content-Type-Options': 'nosniff',
};

/**
 * What an app under `FastifyAdapter` needs besides: `new FastifyAdapter(fastifyOptions)`.
 *
 * - A request has to be received within 30 s; Fastify's default is no limit.
 * - A request that arrives on an open connection while the app ends is answered; Fastify's default is 503. See {@link Drain}.
 * - What never reaches the app's exception filters (a URL that cannot be decoded, headers that are too large, no HTTP at all) is
 *   answered with a stable code too. Fastify's own answers repeat the URL, and with it whatever secret stands in it.
 * - A request that announces JSON and has no body is a request without a body, as on Express; Fastify's default is 400, also at an
 *   unknown route. `rewriteUrl` does that, since it sees a request before its route is looked up; the URL stays the same.
 */
export const fastifyOptions = {
  requestTimeout: 30_000,
  return503OnClosing: false,
  rewriteUrl(request: FramedRequest & { url?: string }): string {
    if (request.headers['content-type'] !== undefined && bodyFraming(request) === 'empty')
      dropJsonType(request.headers);
    return request.url ?? '/';
  },
  frameworkErrors(_error: unknown, _request: unknown, { raw: response }: FastifyReply): void {
    const answer = accessError('bad_request');
    response.statusCode = answer.statusCode;
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    response.end(JSON.stringify(answer.getResponse()));
  },
  clientErrorHandler(error: Error & { code?: string }, socket: ClientSocket): void {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    if (socket.writable) socket.write(rawAnswer(CODES[error.code ?? ''] ?? 'bad_request'));
    socket.destroy(error);
  },
};

/** By the code of Node's parser. */
const CODES: Record<string, AccessErrorCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
};

/** A response without a response object: Node has none where the request could not be read. */
function rawAnswer(code: AccessErrorCode): string {
  const answer = accessError(code);
  const body = JSON.stringify(answer.getResponse());
  const headers = {
    ...HEADERS,
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${answer.statusCode} ${STATUS_CODES[answer.statusCode]}\r\n${lines.join('')}\r\n${body}`;
}
