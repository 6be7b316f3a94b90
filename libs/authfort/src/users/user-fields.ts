import { authError } from '../errors/catalog.js';

// C0 and C1 control characters and DEL; U+0000 could not even be stored.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const EMAIL =
  /^[^\s@"(),:;<>[\\\]]{1,64}@(?=.{4,190}$)[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?\.[\p{L}\p{N}-]{2,63}$/u;

/**
 * The form in which an address is stored and compared: trimmed, NFC, lower case.
 * @throws AuthFortError `invalid_email`
 */
export function normalizeEmail(input: string): string {
  if (input.length > 320 || !input.isWellFormed()) throw authError('invalid_email');
  const email = input.trim().normalize('NFC').toLowerCase();
  if (email.length > 255 || CONTROL.test(email) || !EMAIL.test(email) || email.includes('..'))
    throw authError('invalid_email');
  return email;
}

/** A display name of at most 255 characters; blank means none. @throws AuthFortError `invalid_name` */
export function normalizeName(input: string | null | undefined): string | null {
  const name = input?.trim() ?? '';
  if (name.length > 255 || CONTROL.test(name) || !name.isWellFormed()) throw authError('invalid_name');
  return name || null;
}

/** A phone number as people write it; blank means none. @throws AuthFortError `invalid_phone` */
export function normalizePhone(input: string | null | undefined): string | null {
  const phone = input?.trim() ?? '';
  if (phone && !/^\+?[0-9 ().-]{3,49}$/.test(phone)) throw authError('invalid_phone');
  return phone || null;
}

/** An absolute http(s) URL; blank means none. @throws AuthFortError `invalid_avatar_url` */
export function normalizeAvatarUrl(input: string | null | undefined): string | null {
  const text = input?.trim() ?? '';
  if (!text) return null;
  if (
    text.length > 2048 ||
    CONTROL.test(text) ||
    !text.isWellFormed() ||
    !/^https?:\/\/[^/]/i.test(text) ||
    !URL.canParse(text)
  )
    throw authError('invalid_avatar_url');
  return text;
}
