import { type ArgumentsHost, Logger } from '@nestjs/common';
import { of } from 'rxjs';
import { AuthFortError } from '../errors/auth-fort.error.js';
import { endStreamCall, isStreamCall } from './grpc.refusal.js';
import { answerRefusal } from './refusal.js';
import { answerException } from './ws.refusal.js';

const logger = new Logger('ErrorFilter');
const UNKNOWN = { status: 'error', message: 'Internal server error' };

/**
 * Answers any error of a handler of a transport other than HTTP, as Nest does without a filter; an {@link AuthFortError} with its code.
 * @returns for an exception filter of Nest: `undefined` where Nest itself answers and logs
 */
export function answerElsewhere(exception: unknown, host: ArgumentsHost): unknown {
  if (exception instanceof AuthFortError) return answerRefusal(exception, host);
  const args = host.getArgs<unknown[]>();
  const type = host.getType<string>();
  if (type === 'rpc' && isStreamCall(args)) {
    // Nest passes this error to no handler, so it would end the process.
    endStreamCall(args, publicErrorOf(exception));
    return of(undefined);
  }
  // Nest does nothing more for a socket whose filter returns.
  if (type === 'ws') answerException(withCause(publicErrorOf(exception), args), args);
  return undefined;
}

/** The object of an `RpcException` or a `WsException`, which is meant for the caller. Anything else is logged. */
function publicErrorOf(exception: unknown): object {
  const { getError } = (exception ?? {}) as { getError?: () => unknown };
  if (exception instanceof Error && typeof getError === 'function') {
    const error = getError.call(exception);
    return typeof error === 'object' && error !== null ? error : { status: 'error', message: error };
  }
  logger.error(exception);
  return UNKNOWN;
}

/** Nest names the failed message, unless the app has chosen the object. */
function withCause(error: object, args: readonly unknown[]): object {
  const generated = 'status' in error && error.status === 'error' && Object.keys(error).length === 2;
  return generated ? { ...error, cause: { pattern: args.at(-1), data: args[1] } } : error;
}
