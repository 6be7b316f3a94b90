import { HttpException } from '@nestjs/common';

/** One entry of an error catalog: what a stable code means to the outside. */
export interface ErrorEntry {
  readonly status: number;
  /** Public text. It never contains anything of the request. */
  readonly message: string;
  /** The `WWW-Authenticate` challenge that goes with it (RFC 6750 §3, RFC 9470 §3); `basic`: that of RFC 7617. */
  readonly authenticate?:
    'missing' | 'invalid_token' | 'insufficient_scope' | 'insufficient_user_authentication' | 'basic';
}

/** What an error may carry besides its entry. */
export interface AuthFortErrorExtra {
  /** The fields that are wrong, on 422. */
  readonly details?: readonly { field: string; message: string }[];
  /** Sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Replaces the challenge of the entry, where it depends on the scheme that the client used (RFC 6749 §5.2). */
  readonly authenticate?: ErrorEntry['authenticate'];
  /** For the log; never sent. */
  readonly cause?: unknown;
}

/**
 * The one error of AuthFort: a stable `code`, a public `message` and an HTTP `statusCode`. As an `HttpException` it is answered
 * rightly also in an app without {@link ErrorFilter}.
 */
export class AuthFortError extends HttpException {
  readonly code: string;
  readonly statusCode: number;
  readonly details: AuthFortErrorExtra['details'];
  readonly retryAfterSeconds: number | undefined;
  readonly authenticate: ErrorEntry['authenticate'];

  constructor(code: string, entry: ErrorEntry, extra: AuthFortErrorExtra = {}) {
    const { status, message, authenticate } = entry;
    super(
      { statusCode: status, error: code, message, ...(extra.details && { details: extra.details }) },
      status,
      { cause: extra.cause },
    );
    this.name = 'AuthFortError';
    this.message = message;
    this.code = code;
    this.statusCode = status;
    this.details = extra.details;
    this.retryAfterSeconds = extra.retryAfterSeconds;
    this.authenticate = extra.authenticate ?? authenticate;
  }

  /** The headers that belong to the answer. */
  get headers(): Record<string, string> {
    return {
      ...(this.authenticate && {
        'WWW-Authenticate': challenge(this.authenticate, this.message),
        'Cache-Control': 'no-store',
      }),
      ...(this.retryAfterSeconds !== undefined && { 'Retry-After': String(this.retryAfterSeconds) }),
    };
  }
}

/** RFC 6750 §3: a request without a token is told nothing but the scheme. */
function challenge(kind: NonNullable<ErrorEntry['authenticate']>, description: string): string {
  // RFC 7617 §2.1: the charset tells the client to encode id and secret as UTF-8.
  if (kind === 'basic') return 'Basic realm="authfort", charset="UTF-8"';
  const realm = 'Bearer realm="authfort"';
  return kind === 'missing' ? realm : `${realm}, error="${kind}", error_description="${description}"`;
}
