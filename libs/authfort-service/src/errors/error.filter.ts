import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Injectable,
  Logger,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { answerElsewhere } from '../contexts/unexpected-error.js';
import { type AccessErrorCode, accessError } from './access-errors.js';
import { AuthFortError } from './auth-fort.error.js';
import { unavailableLog } from './unavailable.log.js';

const BY_STATUS: Record<number, AccessErrorCode> = {
  400: 'bad_request',
  401: 'token_missing',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'request_timeout',
  409: 'conflict',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'validation_error',
  429: 'too_many_requests',
  431: 'headers_too_large',
  503: 'unavailable',
};

/**
 * Ends every error the same way: `{statusCode, error, message, details?}` with a stable code.
 *
 * An `HttpException` whose body has a code of its own in `error` is passed on. Every other exception gets the fixed text of its
 * status, since the texts of parsers and routers repeat the input. Unexpected errors are logged and answered with a plain 500. A 503 is
 * logged with its cause, which the answer does not contain.
 *
 * On other transports an {@link AuthFortError} is answered with the same code in the format of the transport. Every other error is
 * left to Nest, which logs it and answers `Internal server error`.
 */
@Injectable()
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('ErrorFilter');
  private aborted = 0;

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(exception: unknown, host: ArgumentsHost): unknown {
    if (host.getType() !== 'http') return answerElsewhere(exception, host);
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    const answer = isAborted(host.switchToHttp().getRequest())
      ? this.abort()
      : this.toHttpException(exception);
    if (answer.getStatus() === 503) unavailableLog.record(codeOf(answer), exception);
    if (httpAdapter.isHeadersSent(response)) {
      httpAdapter.end(response);
      return undefined;
    }
    const headers = answer instanceof AuthFortError ? answer.headers : {};
    for (const [name, value] of Object.entries(headers)) httpAdapter.setHeader(response, name, value);
    httpAdapter.reply(response, answer.getResponse(), answer.getStatus());
    return undefined;
  }

  /** The client disconnected while it sent its body. Anybody can cause that at any rate, so it is not logged as an error. */
  private abort(): HttpException {
    this.aborted += 1;
    this.logger.debug(
      `A client disconnected before its request was complete (${this.aborted} since the start)`,
    );
    return accessError('bad_request');
  }

  private toHttpException(exception: unknown): HttpException {
    if (exception instanceof AuthFortError || isCoded(exception)) return exception;
    const status = statusOf(exception);
    if (status === undefined || (status >= 500 && status !== 503)) {
      this.logger.error(describe(exception), exception instanceof Error ? exception.stack : undefined);
      return accessError('internal_error');
    }
    if (status === 400 && isParserError(exception)) return accessError('invalid_json');
    return accessError(BY_STATUS[status] ?? 'bad_request');
  }
}

interface IncomingRequest {
  readonly complete?: boolean;
  readonly destroyed?: boolean;
  readonly raw?: IncomingRequest;
}

/** Whether the connection was closed before the whole request was received; `raw`: of Fastify's request. */
function isAborted(request: IncomingRequest | undefined): boolean {
  const { complete, destroyed } = request?.raw ?? request ?? {};
  return complete === false && destroyed === true;
}

/** An exception whose author has chosen a code. Nest's own bodies have a phrase there ("Not Found"). */
function isCoded(exception: unknown): exception is HttpException {
  if (!(exception instanceof HttpException)) return false;
  const body = exception.getResponse();
  if (typeof body !== 'object' || !('error' in body)) return false;
  return typeof body.error === 'string' && /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(body.error);
}

function codeOf(answer: HttpException): string {
  const { error } = answer.getResponse() as { error?: unknown };
  return typeof error === 'string' ? error : answer.name;
}

/**
 * The status of Nest's exceptions, Fastify's (`FST_ERR_…`) and the body parsers' (`expose` and `type`, by `http-errors`). A
 * `statusCode` on anything else is that of some upstream, and no word about this request.
 */
function statusOf(exception: unknown): number | undefined {
  if (exception instanceof HttpException) return exception.getStatus();
  if (!(exception instanceof Error)) return undefined;
  const { statusCode, code, expose, type } = exception as Error & Record<string, unknown>;
  const ofFramework =
    (typeof code === 'string' && code.startsWith('FST_ERR_')) ||
    (expose === true && typeof type === 'string');
  return ofFramework && typeof statusCode === 'number' && statusCode >= 400 ? statusCode : undefined;
}

/** Nest wraps what the body parsers throw in an exception of the same message; the messages are V8's, Fastify's or body-parser's. */
function isParserError(exception: unknown): boolean {
  const message = exception instanceof Error ? exception.message : '';
  return /JSON|Unexpected (token|end|string|number)|prototype property|Body |content length|size did not match|encoding/i.test(
    message,
  );
}

function describe(exception: unknown): string {
  return exception instanceof Error
    ? `${exception.name}: ${exception.message}`
    : 'A value that is no error was thrown';
}
