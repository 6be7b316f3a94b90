import { authError } from '../errors/catalog.js';

/** Longest password in characters: long enough for any passphrase, short enough to hash cheaply (NIST SP 800-63B §3.1.1.2). */
export const PASSWORD_MAX_LENGTH = 1024;

/**
 * Length is the only rule; composition rules make passwords weaker. Characters are Unicode code points.
 * @throws AuthFortError `password_too_short`, `password_too_long`
 */
export function assertAcceptablePassword(password: string, minLength: number): void {
  assertHashable(password);
  const { length } = [...password];
  if (length < minLength) throw authError('password_too_short');
  if (length > PASSWORD_MAX_LENGTH) throw authError('password_too_long');
}

/** Refuses what would cost too much to hash, before it is hashed. A code point has at most two UTF-16 units. */
export function assertHashable(password: string): void {
  if (password.length > 2 * PASSWORD_MAX_LENGTH) throw authError('password_too_long');
}
