import type { ArgumentsHost } from '@nestjs/common';
import { type Observable, of, throwError } from 'rxjs';
import type { AuthFortError } from '../errors/auth-fort.error.js';
import { endStreamCall, grpcCallOf, grpcStatus, isStreamCall } from './grpc.refusal.js';

/**
 * Answers the caller of a message handler with `{statusCode, error, message}`, and a gRPC call with a status. It is what Nest
 * sends for an `RpcException` of that object.
 */
export function answerRpc(error: AuthFortError, host: ArgumentsHost): Observable<unknown> {
  const args = host.getArgs<unknown[]>();
  const call = grpcCallOf(args);
  if (call) {
    const status = grpcStatus(error, call);
    if (!isStreamCall(args)) return throwError(() => status);
    endStreamCall(args, status);
    return of(undefined);
  }
  // Kafka delivers an event whose handler fails again, and nothing behind it. A refusal would be the same every time.
  if (error.statusCode < 500 && isKafkaEvent(args[1])) return of(undefined);
  const body = error.getResponse();
  return throwError(() => body);
}

/** A message of Kafka without an address for the answer. */
function isKafkaEvent(context: unknown): boolean {
  if (typeof context !== 'object' || context === null) return false;
  const { getMessage, getPartition } = context as Record<string, unknown>;
  if (typeof getMessage !== 'function' || typeof getPartition !== 'function') return false;
  const { headers } = getMessage.call(context) as { headers?: Record<string, unknown> };
  return headers?.kafka_correlationId === undefined || headers.kafka_replyTopic === undefined;
}
