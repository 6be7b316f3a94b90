import { parse } from 'tldts';

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Whether browsers keep a cookie of this domain: a name of two or more labels in ASCII, a leading dot allowed, that is no IP address
 * and no public suffix such as `co.uk` or `github.io` (RFC 6265 §5.3, https://publicsuffix.org).
 */
export function isCookieDomain(domain: string): boolean {
  const name = domain.toLowerCase().replace(/^\./, '');
  const labels = name.split('.');
  if (name.length > 253 || labels.length < 2 || !labels.every((label) => LABEL.test(label))) return false;
  // A last label of digits makes it an IPv4 address (https://url.spec.whatwg.org/#ends-in-a-number-checker).
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1)!)) return false;
  return parse(name, { allowPrivateDomains: true }).domain !== null;
}
