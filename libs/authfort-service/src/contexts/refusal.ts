import type { ArgumentsHost } from '@nestjs/common';
import type { AuthFortError } from '../errors/auth-fort.error.js';
import { unavailableLog } from '../errors/unavailable.log.js';
import { GraphqlRefusal } from './graphql.refusal.js';
import { answerRpc } from './rpc.refusal.js';
import { answerSocket } from './ws.refusal.js';

/** The error to throw in a context. Nest may apply no filter to a GraphQL field; therefore the error itself has the form there. */
export function inFormOf(host: ArgumentsHost, error: AuthFortError): AuthFortError {
  return host.getType<string>() === 'graphql' && !(error instanceof GraphqlRefusal)
    ? new GraphqlRefusal(error)
    : error;
}

/**
 * Answers the caller in the format of a transport other than HTTP.
 * @returns what an exception filter of Nest has to return there
 * @throws the error, where throwing is the answer (GraphQL, and contexts that are not known)
 */
export function answerRefusal(error: AuthFortError, host: ArgumentsHost): unknown {
  if (error.statusCode === 503) unavailableLog.record(error.code, error);
  switch (host.getType<string>()) {
    case 'rpc':
      return answerRpc(error, host);
    case 'ws':
      answerSocket(error, host);
      return undefined;
    default:
      throw inFormOf(host, error);
  }
}
