import { AuthFortError, type AuthFortErrorExtra, type ErrorEntry } from './auth-fort.error.js';

/** The errors of verifying, and those that any HTTP app has: the one place that chooses their status and message. */
export const accessErrorCatalog = {
  token_missing: { status: 401, message: 'An access token is needed', authenticate: 'missing' },
  token_invalid: { status: 401, message: 'The access token is not valid', authenticate: 'invalid_token' },
  token_expired: { status: 401, message: 'The access token has expired', authenticate: 'invalid_token' },
  token_version_mismatch: {
    status: 401,
    message: 'The access token is out of date; refresh it',
    authenticate: 'invalid_token',
  },
  session_revoked: {
    status: 401,
    message: 'The session has ended; sign in again',
    authenticate: 'invalid_token',
  },
  insufficient_user_authentication: {
    status: 401,
    message: 'This action needs a fresh sign-in; sign in again and repeat the request',
    authenticate: 'insufficient_user_authentication',
  },
  user_banned: { status: 403, message: 'This account is banned', authenticate: 'insufficient_scope' },
  insufficient_role: {
    status: 403,
    message: 'This needs a role that you do not have',
    authenticate: 'insufficient_scope',
  },
  insufficient_permission: {
    status: 403,
    message: 'This needs a permission that you do not have',
    authenticate: 'insufficient_scope',
  },
  csrf_rejected: {
    status: 403,
    message: 'The request comes from a site that is not allowed',
    authenticate: 'insufficient_scope',
  },
  keys_unavailable: { status: 503, message: 'The signing keys are unavailable; try again' },
  introspection_unavailable: { status: 503, message: 'The token cannot be checked at the moment; try again' },
  revocations_unavailable: {
    status: 503,
    message: 'Revocation state is unavailable; try again',
  },
  bad_request: { status: 400, message: 'The request is not valid' },
  invalid_json: { status: 400, message: 'The body is not a JSON object that can be read' },
  forbidden: { status: 403, message: 'This is not allowed' },
  not_found: { status: 404, message: 'There is nothing here' },
  method_not_allowed: { status: 405, message: 'This method is not allowed here' },
  not_acceptable: { status: 406, message: 'The answer cannot be given in an accepted form' },
  request_timeout: { status: 408, message: 'The request took too long' },
  conflict: { status: 409, message: 'The request is at odds with the present state' },
  payload_too_large: { status: 413, message: 'The body is too large' },
  unsupported_media_type: { status: 415, message: 'The content type is not supported here' },
  validation_error: { status: 422, message: 'Some fields are not valid' },
  too_many_requests: { status: 429, message: 'Too many requests; try again later' },
  headers_too_large: { status: 431, message: 'The headers are too large' },
  internal_error: { status: 500, message: 'Something went wrong' },
  unavailable: { status: 503, message: 'The service is not available at the moment' },
} as const satisfies Record<string, ErrorEntry>;

/** The stable codes of {@link accessErrorCatalog}. */
export type AccessErrorCode = keyof typeof accessErrorCatalog;

/** Makes the error of a code. */
export function accessError(code: AccessErrorCode, extra?: AuthFortErrorExtra): AuthFortError {
  return new AuthFortError(code, accessErrorCatalog[code], extra);
}
