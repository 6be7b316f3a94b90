import type { IncomingHttpHeaders } from 'node:http';
import { parse } from 'cookie';
import { accessError } from '../errors/access-errors.js';

/** A token, and how it came. Only a cookie is sent by a browser on its own. */
export interface PresentedToken {
  readonly token: string;
  readonly via: 'header' | 'cookie';
}

/**
 * Finds the access token of a request: `Authorization: Bearer` (RFC 6750 §2.1, the scheme in any case), or else the cookie. Tokens
 * in the query string or the body are not looked for.
 * @throws AuthFortError `token_invalid` when two cookies of the name differ: a sibling host may have planted one
 */
export function extractToken(
  { headers }: { readonly headers: IncomingHttpHeaders },
  cookieName: string | undefined,
): PresentedToken | undefined {
  const { authorization, cookie } = headers;
  if (authorization !== undefined && /^bearer(\s|$)/i.test(authorization)) {
    const token = authorization.slice('bearer'.length).trim();
    return token ? { token, via: 'header' } : undefined;
  }
  if (cookieName === undefined || !cookie?.includes(cookieName)) return undefined;
  const [token, ...others] = cookieValues(cookie, cookieName);
  if (others.length > 0) throw accessError('token_invalid');
  return token ? { token, via: 'cookie' } : undefined;
}

/** The distinct values of a cookie; a plain parser would silently take one of them. */
export function cookieValues(cookieHeader: string, name: string): string[] {
  const values = cookieHeader.split(';').map((pair) => parse(pair)[name]);
  return [...new Set(values.filter((value): value is string => value !== undefined && value !== ''))];
}
