import { domainToASCII, domainToUnicode } from 'node:url';

/** Which texts a search for users compares. Users are found by the address or by the name. */
export interface UserSearch {
  /** Beginning of the e-mail address, in the form it is stored in. */
  readonly emailPrefix?: string | undefined;
  /** Beginning of the domain of the address. */
  readonly domainPrefix?: string | undefined;
  /** Every word of it begins a word of the name: the text of a `tsquery`. */
  readonly nameQuery?: string | undefined;
}

const MAX_LENGTH = 255;
const MAX_WORDS = 8;
/** Texts with other characters are compared with addresses only. Therefore `%` and `_` mean themselves. */
const NAME = /^[\p{L}\p{M}\p{N}\s'’.,()&-]+$/u;

/**
 * Reads what an administrator typed. `@shop.example` is the beginning of a domain; other texts with an `@` begin an address; everything
 * else begins an address or consists of beginnings of words of a name. At most 255 characters and 8 words count.
 * @returns undefined for a text that narrows nothing
 */
export function readSearch(text: string | undefined): UserSearch | undefined {
  const given = text?.trim().slice(0, MAX_LENGTH).toWellFormed().replaceAll('\0', '').normalize('NFC') ?? '';
  if (given === '' || given === '@') return undefined;
  const at = given.lastIndexOf('@');
  if (at === 0) return { domainPrefix: domainOf(given.slice(1)) };
  if (at > 0) return { emailPrefix: `${given.slice(0, at).toLowerCase()}@${domainOf(given.slice(at + 1))}` };
  return { emailPrefix: given.toLowerCase(), nameQuery: nameQueryOf(given) };
}

/** Domains are stored in their Unicode form. */
function domainOf(text: string): string {
  const domain = text.toLowerCase();
  if (!domain.includes('xn--')) return domain;
  return domainToUnicode(domainToASCII(domain)).normalize('NFC') || domain;
}

function nameQueryOf(text: string): string | undefined {
  if (!NAME.test(text)) return undefined;
  const words = text.split(/[\s,()&]+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  return words.length > 0 ? words.slice(0, MAX_WORDS).map(termOf).join(' & ') : undefined;
}

/** One ASCII letter begins too many words, so it has to be the whole word. */
function termOf(word: string): string {
  const suffix = /^[\x20-\x7e]$/.test(word) ? '' : ':*';
  const spellings = caseVariants(word).map((variant) => `'${variant.replaceAll("'", "''")}'${suffix}`);
  return spellings.length > 1 ? `(${spellings.join(' | ')})` : spellings[0]!;
}

/** PostgreSQL folds the case of ASCII everywhere, and of other letters where the locale of the database says so. */
function caseVariants(word: string): string[] {
  if (/^[\x20-\x7e]*$/.test(word)) return [word];
  const lower = word.toLowerCase();
  const [first = '', ...rest] = lower;
  return [...new Set([word, lower, word.toUpperCase(), first.toUpperCase() + rest.join('')])];
}
