import { clientError } from '../errors/auth-client.error.js';

/**
 * A first label that names a service of the domain behind it. The rest is the site, unless it is one label, or a short name below a country
 * domain such as `co.uk`. Any other first label may be a customer's on a shared domain such as `github.io`: the complete list of those
 * (publicsuffix.org) is larger than this client.
 */
const SERVICE = /^(auth|accounts?|api|app|id|login|www)\.(?!\w{1,3}\.\w\w$)(?=.+\.)/;

/**
 * Decides which requests carry the session: those to the origin of `baseUrl`, and to the named origins or else to the site of `baseUrl`
 * (same scheme, any port).
 * @throws AuthClientError `invalid_api_origin`
 */
export function createOriginCheck(baseUrl: string, named?: readonly string[]): (url: string) => boolean {
  const origins = named?.map(checkedOrigin);
  return (url) => {
    const base = new URL(baseUrl, globalThis.location?.href ?? 'http://invalid');
    const { origin, protocol, hostname } = new URL(url);
    return (
      // The origin of a `blob:` URL is the one of its page.
      /^http/.test(protocol) &&
      (origin === base.origin ||
        (origins
          ? origins.includes(origin)
          : protocol === base.protocol && `.${hostname}`.endsWith(`.${base.hostname.replace(SERVICE, '')}`)))
    );
  };
}

function checkedOrigin(text: string): string {
  if (URL.canParse(text)) {
    const { origin, href } = new URL(text);
    // Parsing adds the slash only: no path, no query, no user; and the host is no wildcard.
    if (href === `${origin}/` && !href.includes('*')) return origin;
  }
  throw clientError('invalid_api_origin');
}
