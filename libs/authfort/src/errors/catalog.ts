import {
  accessErrorCatalog,
  AuthFortError,
  type AuthFortErrorExtra,
  type ErrorEntry,
} from 'authfort-service';

/**
 * Every error that the auth server answers with: the one place that chooses status and public message.
 * The codes are stable; the messages may be reworded. Nothing in them comes from the request.
 */
export const errorCatalog = {
  ...accessErrorCatalog,
  invalid_email: { status: 400, message: 'This is not a valid e-mail address' },
  invalid_name: { status: 400, message: 'A name has at most 255 characters and no control characters' },
  invalid_phone: { status: 400, message: 'A phone number has at most 50 digits, spaces and + - . ( )' },
  invalid_avatar_url: { status: 400, message: 'An avatar URL is an http(s) URL of at most 2048 characters' },
  password_too_short: { status: 400, message: 'The password is too short' },
  password_too_long: { status: 400, message: 'The password is too long: at most 1024 characters' },
  password_pwned: { status: 400, message: 'This password is known from a breach; choose another one' },
  password_reused: { status: 400, message: 'This password was used before; choose another one' },
  password_unchanged: { status: 400, message: 'The new password equals the current one; choose another one' },
  password_already_set: { status: 400, message: 'The account already has a password; change it instead' },
  invalid_password: { status: 400, message: 'The password is wrong' },
  invalid_reset_token: { status: 400, message: 'This link is no longer valid; request a new one' },
  invalid_verification_token: { status: 400, message: 'This link is no longer valid; request a new one' },
  invalid_magic_link: { status: 400, message: 'This link is no longer valid; request a new one' },
  invalid_otp: { status: 400, message: 'This code is not valid; request a new one after a few attempts' },
  invalid_credentials: { status: 401, message: 'Invalid email or password' },
  refresh_token_missing: { status: 401, message: 'No refresh token was sent' },
  refresh_token_invalid: { status: 401, message: 'The refresh token is not valid' },
  refresh_token_expired: { status: 401, message: 'The refresh token has expired; sign in again' },
  refresh_token_revoked: { status: 401, message: 'The session has ended; sign in again' },
  refresh_token_mismatch: { status: 401, message: 'The cookies belong to different sessions; sign in again' },
  invalid_request: {
    status: 400,
    message: 'A parameter is missing, empty or repeated, or the client authenticates in two ways',
  },
  unauthorized: { status: 401, message: 'Present the introspection secret', authenticate: 'missing' },
  invalid_client: {
    status: 401,
    message: 'The client authentication is not valid; check the introspection secret',
    authenticate: 'basic',
  },
  email_not_verified: {
    status: 403,
    message: 'The e-mail address is not verified; follow the link in the mail',
  },
  signup_disabled: { status: 403, message: 'Sign-up is closed' },
  user_not_found: { status: 404, message: 'There is no such user' },
  session_not_found: { status: 404, message: 'There is no such session' },
  role_not_found: { status: 404, message: 'There is no such role' },
  dead_letter_not_found: { status: 404, message: 'There is no such dead letter' },
  invalid_role: { status: 422, message: 'A role has 1 to 64 letters, digits or . _ : -' },
  too_many_roles: {
    status: 422,
    message: 'The roles of this user do not fit into an access token; remove a role first',
  },
  invalid_permission: { status: 422, message: 'A permission has 1 to 64 letters, digits or . _ : -' },
  too_many_permissions: { status: 409, message: 'A role grants at most 100 permissions' },
  last_admin: { status: 409, message: 'This is the last administrator; make another one first' },
  user_exists: { status: 409, message: 'An account with this e-mail address exists already' },
  rate_limit_exceeded: { status: 429, message: 'Too many requests; try again later' },
  overloaded: { status: 503, message: 'The server is busy; try again in a moment' },
} as const satisfies Record<string, ErrorEntry>;

/** The stable codes of {@link errorCatalog}. */
export type AuthErrorCode = keyof typeof errorCatalog;

/** Makes the error that the filter turns into the answer. */
export function authError(code: AuthErrorCode, extra?: AuthFortErrorExtra): AuthFortError {
  return new AuthFortError(code, errorCatalog[code], extra);
}
