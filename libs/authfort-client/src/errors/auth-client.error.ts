/** Codes of this client; every other code is the server's own. */
export type AuthClientErrorCode =
  | 'invalid_base_url'
  | 'invalid_api_origin'
  | 'missing_token_storage'
  | 'network_error'
  | 'timeout'
  | 'aborted'
  | 'server_unavailable'
  | 'invalid_response'
  | 'storage_error'
  | 'mfa_not_pending'
  | 'no_browser'
  | 'popup_blocked'
  | 'popup_closed';

/** The one error of the client. */
export class AuthClientError extends Error {
  override readonly name = 'AuthClientError';

  /**
   * @param code stable: one of {@link AuthClientErrorCode}, or the server's
   * @param statusCode of the answer; 0 when there was none
   * @param retryAfter seconds after which the server wants to be asked again
   */
  constructor(
    message: string,
    readonly code: AuthClientErrorCode | (string & {}),
    readonly statusCode: number,
    readonly retryAfter?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether nothing was decided: the same request may succeed later. */
  get temporary(): boolean {
    const { statusCode, code } = this;
    return statusCode === 429 || statusCode >= 500 || code === 'network_error' || code === 'timeout';
  }
}

/** Whether the server refuses the session or the credential. */
export function isRefusal(error: unknown): error is AuthClientError {
  return error instanceof AuthClientError && error.statusCode === 401;
}

/** An error of the client itself; the message is the code in words. */
export function clientError(code: AuthClientErrorCode, cause?: unknown): AuthClientError {
  return new AuthClientError(code.replaceAll('_', ' '), code, 0, undefined, { cause });
}

/** What an auth server would not answer: another server, or a proxy's page. */
export function invalidResponse(): AuthClientError {
  return new AuthClientError('Check baseUrl', 'invalid_response', 200);
}
