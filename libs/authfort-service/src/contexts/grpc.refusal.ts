import type { AuthFortError } from '../errors/auth-fort.error.js';

/** A call of `@grpc/grpc-js`, by the members that are used here. */
export interface GrpcCall {
  readonly metadata: object;
  emit(event: 'error', error: unknown): boolean;
}

/** The `google.rpc.Code` of an HTTP status. */
const GRPC_CODES: Record<number, number> = {
  400: 3, // INVALID_ARGUMENT
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  404: 5, // NOT_FOUND
  409: 10, // ABORTED
  422: 3, // INVALID_ARGUMENT
  429: 8, // RESOURCE_EXHAUSTED
  503: 14, // UNAVAILABLE
};
const UNKNOWN = 2;

/**
 * The call of a gRPC handler. Nest passes it last: `(request, metadata, call)`. A handler with `@GrpcStreamCall()` gets
 * `(call)` or `(call, callback)`.
 */
export function grpcCallOf(args: readonly unknown[]): GrpcCall | undefined {
  return args.find(isGrpcCall);
}

/** Whether the handler has `@GrpcStreamCall()`. Such a handler answers on the call itself. */
export function isStreamCall(args: readonly unknown[]): boolean {
  return isGrpcCall(args[0]);
}

/** The status of a refusal: our code is in the details and in the trailing metadata, under `error`. */
export function grpcStatus(error: AuthFortError, call: GrpcCall): object {
  const text = `${error.code}: ${error.message}`;
  return {
    code: GRPC_CODES[error.statusCode] ?? UNKNOWN,
    message: text,
    details: text,
    metadata: metadataWith(error.code, call),
  };
}

/** Ends a call whose handler answers on the call itself: Nest answers no error there, and the rejection would end the process. */
export function endStreamCall(args: readonly unknown[], error: unknown): void {
  const [call, callback] = args as [GrpcCall, unknown];
  if (typeof callback === 'function') callback(error, null);
  else call.emit('error', error);
}

function isGrpcCall(value: unknown): value is GrpcCall {
  if (typeof value !== 'object' || value === null) return false;
  const { sendMetadata, getPeer, emit } = value as Record<string, unknown>;
  return [sendMetadata, getPeer, emit].every((member) => typeof member === 'function');
}

/** The class of the metadata is known by the metadata of the request. */
function metadataWith(code: string, { metadata }: GrpcCall): object {
  const answer = new (metadata.constructor as new () => { set(key: string, value: string): void })();
  answer.set('error', code);
  return answer;
}
