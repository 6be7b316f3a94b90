/** Longest domain that is shown whole. */
const LONGEST_DOMAIN = 64;

/** Nothing that a mail program could take for an address of the web. */
const PLAIN = /^(?!www\.)[\w.+-]{1,64}@(?!www\.)[a-z0-9.-]{1,64}$/i;

/**
 * An e-mail address as a mail shows it. An attacker may have chosen the address, and mail programs turn text such as `www.example.com/win`
 * into links. A plain address stays unchanged. Any other address shows only the first character of the local part.
 */
export function addressInText(email: string): string {
  return PLAIN.test(email) ? email : unlinked(masked(email));
}

/** As {@link addressInText}; a plain address is not turned into a link either. */
export function addressInHtml(email: string): string {
  return unlinked(PLAIN.test(email) ? email : masked(email));
}

function masked(email: string): string {
  const [first = ''] = email;
  const domain = email.slice(email.lastIndexOf('@') + 1);
  return `${first}…@${domain.length > LONGEST_DOMAIN ? `…${domain.slice(1 - LONGEST_DOMAIN)}` : domain}`;
}

/** U+2060 WORD JOINER has no width, allows no line break and belongs to no host name. */
function unlinked(text: string): string {
  return text.replace(/[.@]/g, '\u2060$&\u2060');
}
