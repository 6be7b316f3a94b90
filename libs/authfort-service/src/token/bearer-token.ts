/** The part of a request that is read here. Requests that an app made up may have no headers. */
interface RequestWithHeaders {
  readonly headers?: { readonly authorization?: unknown } | undefined;
}

/**
 * The token of `Authorization: Bearer` (RFC 6750 §2.1); null without one. The extractor of passport-jwt takes quadratic time for a long
 * header without a space.
 */
export function bearerTokenOf(request: RequestWithHeaders | null | undefined): string | null {
  const authorization = request?.headers?.authorization;
  return typeof authorization === 'string' ? (/^bearer\s+(\S+)\s*$/i.exec(authorization)?.[1] ?? null) : null;
}
