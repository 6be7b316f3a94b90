import { authError } from '../errors/catalog.js';

/**
 * Longest password in characters of the normalised form: long enough for any passphrase, short enough to hash cheaply (NIST SP 800-63B
 * §3.1.1.2).
 */
export const PASSWORD_MAX_LENGTH = 1024;

/** Longest typed form in UTF-16 units. A character may be typed as a letter and several combining marks. */
const TYPED_MAX_UNITS = 4 * PASSWORD_MAX_LENGTH;

/** The form that is hashed (NIST SP 800-63B §3.1.1.2, Unicode Standard Annex 15): keyboards and systems encode one character differently. */
export function normalizePassword(password: string): string {
  return password.normalize('NFKC');
}

/**
 * The forms of a typed password that a stored hash may be of: the typed one, which was hashed before passwords were normalised, and the
 * normalised one. One form where both are equal.
 */
export function passwordForms(password: string): readonly string[] {
  const normalized = normalizePassword(password);
  // No new password has a longer form, so none was hashed.
  return normalized === password || lengthOf(normalized) > PASSWORD_MAX_LENGTH
    ? [password]
    : [password, normalized];
}

/**
 * Length is the only rule; composition rules make passwords weaker. Characters are Unicode code points. The normalised form counts; a
 * character that it expands to several counts once towards the minimum.
 * @throws AuthFortError `password_too_short`, `password_too_long`
 */
export function assertAcceptablePassword(password: string, minLength: number): void {
  assertHashable(password);
  const normalized = lengthOf(normalizePassword(password));
  if (Math.min(normalized, lengthOf(password)) < minLength) throw authError('password_too_short');
  if (normalized > PASSWORD_MAX_LENGTH) throw authError('password_too_long');
}

/** Refuses what would cost too much to normalise and to hash, before either is done. @throws AuthFortError `password_too_long` */
export function assertHashable(password: string): void {
  if (password.length > TYPED_MAX_UNITS) throw authError('password_too_long');
}

function lengthOf(text: string): number {
  return [...text].length;
}
