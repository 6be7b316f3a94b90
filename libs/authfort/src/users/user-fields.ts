import { domainToASCII, domainToUnicode } from 'node:url';
import { authError } from '../errors/catalog.js';

// C0 and C1 control characters and DEL; U+0000 could not even be stored.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const EMAIL =
  /^[^\s\p{Cf}@"(),:;<>[\\\]]{1,64}@(?=.{4,190}$)[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?\.[\p{L}\p{N}-]{2,63}$/u;

/** RFC 5321 §4.5.3.1, as octets of UTF-8 (RFC 6531 §3.4): a path has 256, with its brackets. */
const MAX_BYTES = 254;
const MAX_LOCAL_BYTES = 64;
/** Longest name in UTF-16 units. */
const MAX_NAME = 255;

/**
 * The form in which an address is stored and compared: trimmed, lower case, NFC; the domain in one spelling.
 * @throws AuthFortError `invalid_email`
 */
export function normalizeEmail(input: string): string {
  if (input.length > 320 || !input.isWellFormed()) throw authError('invalid_email');
  const email = canonical(input.trim());
  if (CONTROL.test(email) || !EMAIL.test(email) || email.includes('..')) throw authError('invalid_email');
  if (
    Buffer.byteLength(email) > MAX_BYTES ||
    Buffer.byteLength(email.slice(0, email.lastIndexOf('@'))) > MAX_LOCAL_BYTES
  )
    throw authError('invalid_email');
  return email;
}

/** One spelling for one mailbox: of a domain, the Unicode form that its ASCII form stands for (UTS 46), as mail servers see it. */
function canonical(input: string): string {
  const at = input.lastIndexOf('@');
  const local = input.slice(0, at).toLowerCase().normalize('NFC');
  const domain = domainToUnicode(domainToASCII(input.slice(at + 1)));
  return at < 0 || domain === '' ? '' : `${local}@${domain.normalize('NFC')}`;
}

/** A display name of at most 255 characters; blank means none. @throws AuthFortError `invalid_name` */
export function normalizeName(input: string | null | undefined): string | null {
  const typed = input?.trim() ?? '';
  // Normalisation takes quadratic time for a long run of combining marks. A character may be typed as a letter and several marks.
  if (typed.length > 4 * MAX_NAME) throw authError('invalid_name');
  // Systems type accents in different normal forms. A search has to find them all.
  const name = typed.normalize('NFC');
  if (name.length > MAX_NAME || CONTROL.test(name) || !name.isWellFormed()) throw authError('invalid_name');
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
