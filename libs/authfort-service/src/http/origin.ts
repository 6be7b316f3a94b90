/** `scheme://host[:port]` (RFC 6454 §6.2). The URL parser would also take a path, a password, a backslash and surrounding spaces. */
const SERIALIZED = /^([a-z][a-z0-9+.-]*):\/\/([^\s/\\?#@]+)$/i;
/** Schemes of pages that browsers give no comparable origin, and schemes of no page at all. */
const WITHOUT_ORIGIN = new Set([
  'file',
  'data',
  'blob',
  'about',
  'javascript',
  'filesystem',
  'ws',
  'wss',
  'ftp',
]);
/** The host of a native shell, such as `localhost`, `-` or `.`, and its port. */
const SHELL_HOST = /^[a-z0-9._~-]+(:\d{1,5})?$/;
/** A name or an IPv4 address, or an IPv6 address, as the URL parser writes it; no wildcard. */
const WEB_HOST = /^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])(:\d+)?$/;

/**
 * The canonical spelling of an origin: lower case, no default port, a name in its ASCII form without the final dot, an IPv6 address
 * compressed (RFC 5952). Origins of native shells (`capacitor://localhost`, `app://bundle`) are lower-cased only, since their schemes
 * have no default port and no rules for hosts.
 * @returns undefined for `null`, wildcards, and everything that is not exactly scheme, host and port
 */
export function normalizeOrigin(text: string): string | undefined {
  const [, givenScheme, authority] = SERIALIZED.exec(text) ?? [];
  if (givenScheme === undefined || authority === undefined) return undefined;
  const scheme = givenScheme.toLowerCase();
  if (scheme === 'http' || scheme === 'https') return webOrigin(scheme, authority);
  const host = authority.toLowerCase();
  return !WITHOUT_ORIGIN.has(scheme) && SHELL_HOST.test(host) ? `${scheme}://${host}` : undefined;
}

/**
 * Whether an authority (the value of `Host` or `:authority`) names the host and port of a canonical web origin. The scheme of the
 * origin supplies the default port, since a request does not contain the scheme.
 */
export function isHostOf(authority: string, canonicalOrigin: string): boolean {
  const scheme = canonicalOrigin.slice(0, canonicalOrigin.indexOf(':'));
  return /^https?$/.test(scheme) && normalizeOrigin(`${scheme}://${authority}`) === canonicalOrigin;
}

/** Whether an origin is a page of this machine: `localhost`, its subdomains, or a loopback address (W3C Secure Contexts §3.1). */
export function isLoopbackOrigin(origin: string): boolean {
  const { hostname } = new URL(origin);
  return /^(([^.]+\.)*localhost\.?|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function webOrigin(scheme: string, authority: string): string | undefined {
  const written = `${scheme}://${authority}`;
  if (!URL.canParse(written)) return undefined;
  const host = new URL(written).host.replace(/\.(?=:|$)/, '');
  return WEB_HOST.test(host) ? `${scheme}://${host}` : undefined;
}
