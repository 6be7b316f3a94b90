import { accessError } from './access-errors.js';
import type { AuthFortError } from './auth-fort.error.js';

/** The `acr` of a sign-in with one factor. */
const ONE_FACTOR = 'urn:authfort:acr:1fa';

/**
 * The 401 of RFC 9470 §3: the sign-in behind the token is too old, or of another kind than the request needs. The answer names the
 * sign-in that is needed, in its `WWW-Authenticate` challenge and in the `details` of its body.
 * @param maxAgeSeconds greatest age of the sign-in, in seconds
 * @param acrValues accepted values of the `acr` claim, separated by spaces; default `urn:authfort:acr:1fa`
 */
export function stepUpError(maxAgeSeconds: number, acrValues: string = ONE_FACTOR): AuthFortError {
  return accessError('insufficient_user_authentication', {
    details: { max_age: maxAgeSeconds, acr_values: acrValues },
  });
}
