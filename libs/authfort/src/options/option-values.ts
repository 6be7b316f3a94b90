import { normalizeOrigin } from 'authfort-service';
import proxyaddr from 'proxy-addr';
import { z } from 'zod';

/** A secret of at least 16 characters. */
export const secret = z
  .string()
  .min(16, 'must have at least 16 characters')
  .refine(isVaried, 'must not repeat one or a few characters; `openssl rand -base64 32` makes one');
/** The name of a cookie (RFC 6265 §4.1.1). */
export const cookieName = z
  .string()
  .regex(/^[\w!#$%&'*.^`|~+-]+$/, 'must be a cookie name (RFC 6265 token characters)');
/** An origin, in its canonical spelling. */
export const origin = z
  .string()
  .refine(
    (text) => normalizeOrigin(text) !== undefined,
    'must be an origin such as https://app.example.com or capacitor://localhost, without a path or a wildcard',
  )
  .transform((text) => normalizeOrigin(text)!);
/** An entry of `trustedProxies`. */
export const proxy = z
  .string()
  .refine(isProxyRange, 'must be an IP address, a CIDR range, or unix, loopback, linklocal, uniquelocal');
/** An http(s) URL. */
export const httpUrl = z
  .string()
  // Zod trims the URL, and the URL parser encodes spaces and drops line breaks, so both would hide the mistake.
  .regex(/^\S*$/, 'must have no spaces or line breaks')
  .pipe(z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }));
/** A URL that the server calls. */
export const fetchedUrl = httpUrl.refine(
  holdsNoPassword,
  'must not hold a user name or password: fetch refuses it',
);

/** A random secret of 16 characters has more than three different ones. */
function isVaried(value: string): boolean {
  return new Set(value).size > 3;
}

function holdsNoPassword(value: string): boolean {
  if (!URL.canParse(value)) return true;
  const { username, password } = new URL(value);
  return !username && !password;
}

function isProxyRange(text: string): boolean {
  try {
    if (text !== 'unix') proxyaddr.compile(text);
    return true;
  } catch {
    return false;
  }
}

/** Any text is an issuer. A URL identifies a document too, so it has to be one that RFC 8414 §3.1 can build a location from. */
export function isIssuer(text: string): boolean {
  if (!/^https?:/i.test(text)) return true;
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { username, password, pathname } = new URL(text);
  const segments = pathname.replace(/\/$/, '').split('/').slice(1);
  return (
    !/[?#\s\\]/.test(text) && username + password === '' && segments.length <= 3 && !segments.includes('')
  );
}
