import { HttpException } from '@nestjs/common';

/** One entry of an error catalog: what a stable code means to the outside. */
export interface ErrorEntry {
  readonly status: number;
  /** Public text. It never contains anything of the request. */
  readonly message: string;
  /** The `WWW-Authenticate` challenge of the error (RFC 6750 §3, RFC 9470 §3); `basic`: the challenge of RFC 7617. */
  readonly authenticate?:
    'missing' | 'invalid_token' | 'insufficient_scope' | 'insufficient_user_authentication' | 'basic';
}

/** The sign-in that a request needs (RFC 9470 §3): the `details` of `insufficient_user_authentication`. */
export interface StepUpDetails {
  /** Greatest age of the sign-in (`auth_time`), in seconds. */
  readonly max_age: number;
  /** Accepted values of the `acr` claim, separated by spaces. */
  readonly acr_values: string;
}

/** What an error may carry besides its entry. */
export interface AuthFortErrorExtra {
  /** On 422, the fields that are wrong; on 401 `insufficient_user_authentication`, the sign-in that is needed. */
  readonly details?: readonly { field: string; message: string }[] | StepUpDetails;
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
        'WWW-Authenticate': challenge(this.authenticate, this.message) + stepUpParameters(this.details),
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

/** RFC 9470 §3: the challenge names the sign-in that is needed. */
function stepUpParameters(details: AuthFortErrorExtra['details']): string {
  if (details === undefined || !('max_age' in details)) return '';
  return `, max_age="${details.max_age}", acr_values="${details.acr_values}"`;
}
