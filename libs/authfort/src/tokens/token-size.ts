import type { AuthFortConfig } from '../options/auth-fort.config.js';

/** RFC 6265bis §5.6: a browser drops a cookie whose name and value are longer. Older ones count the attributes too. */
const COOKIE_BYTES = 4096;
/** Without cookies a token is part of a header, and a header line is 8 to 16 KiB at most. */
const HEADER_BYTES = 7168;
/** `; Max-Age=86400; Domain=; Path=; HttpOnly; Secure; SameSite=Strict`, and the signs between. */
const ATTRIBUTES = 80;
/** The roles of one user, as JSON: the space that the longest address and the other claims leave. */
const ROLES_BYTES = { cookie: 1000, bearer: 3000 };
/** Above this share of a bound, a warning is logged. */
const WARNED_SHARE = 0.75;

type SizeConfig = Pick<AuthFortConfig, 'cookie'>;

/** How long an access token may be, in bytes. */
export function maxTokenBytes({ cookie }: SizeConfig): number {
  if (!cookie) return HEADER_BYTES;
  return (
    COOKIE_BYTES - ATTRIBUTES - cookie.accessName.length - (cookie.domain ?? '').length - cookie.path.length
  );
}

/** Whether a size is so near to its bound that a warning is logged. */
export function isNearBound(bytes: number, bound: number): boolean {
  return bytes > bound * WARNED_SHARE;
}

/** The roles of a user against their bound. */
export function sizeOfRoles(
  roles: readonly string[],
  { cookie }: SizeConfig,
): { readonly bytes: number; readonly bound: number } {
  return {
    bytes: Buffer.byteLength(JSON.stringify(roles)),
    bound: cookie ? ROLES_BYTES.cookie : ROLES_BYTES.bearer,
  };
}
