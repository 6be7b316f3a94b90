import { isIP } from 'node:net';

/** Where a cookie is kept: browsers keep cookies of one name and different scopes side by side (RFC 6265 §5.3 step 11). */
export interface CookieScope {
  readonly path: string;
  /** Undefined: host-only. */
  readonly domain?: string | undefined;
}

/** Domains of the host that are tried; the longest are left out. */
const MAX_PARENTS = 3;

/**
 * The scopes in which other settings may have set a cookie that we set in `own`: on each of the paths, host-only, for the domain of the
 * options, and for each domain that the host of the request may set cookies for.
 */
export function otherCookieForms(
  own: CookieScope,
  paths: readonly string[],
  domain: string | undefined,
  host: string | undefined,
): CookieScope[] {
  const domains = new Map<string, string | undefined>([['', undefined]]);
  if (domain !== undefined) domains.set(bare(domain), domain);
  for (const parent of parentDomains(host)) if (!domains.has(parent)) domains.set(parent, parent);
  const forms = [...new Set([own.path, ...paths])].flatMap((path) =>
    [...domains.values()].map((each) => ({ path, ...(each !== undefined && { domain: each }) })),
  );
  return forms.filter((form) => form.path !== own.path || bare(form.domain) !== bare(own.domain));
}

/**
 * The domains that a host may set cookies for: itself and its parents. None for addresses and single labels. Names that look like a
 * public suffix (`com`, `co.uk`) are left out; a browser ignores a Set-Cookie for one that is not recognised here (RFC 6265 §5.3 step 5).
 */
export function parentDomains(host: string | undefined): string[] {
  const name = (host ?? '').replace(/:\d*$/, '').toLowerCase();
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(name) || name.length > 253 || isIP(name) || /\.\d+$/.test(name))
    return [];
  const labels = name.split('.');
  return labels
    .map((_, index) => labels.slice(index))
    .filter((rest) => rest.length > 1 && !looksPublic(rest))
    .map((rest) => rest.join('.'))
    .slice(-MAX_PARENTS);
}

/** `co.uk`, `com.au`, `ac.jp`: a short label below the domain of a country. */
function looksPublic(labels: readonly string[]): boolean {
  const [second = '', top = ''] = labels;
  return labels.length === 2 && top.length === 2 && second.length <= 3;
}

function bare(domain: string | undefined): string {
  return (domain ?? '').replace(/^\./, '').toLowerCase();
}
