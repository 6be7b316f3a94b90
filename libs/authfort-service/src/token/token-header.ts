/** Algorithms that an access token may be signed with. Symmetric ones and `none` are not among them (RFC 8725 §3.1). */
export type TokenAlgorithm = 'RS256' | 'ES256';

/** What the header of an acceptable token says. */
export interface TokenHeader {
  readonly algorithm: TokenAlgorithm;
  readonly kid: string;
}

/** Longest token that is looked at, in characters: about what an HTTP header may hold. */
export const MAX_TOKEN_LENGTH = 16_384;

/**
 * Reads and judges the JOSE header before any cryptography. Undefined unless it is a signed JWT of type `at+jwt` (RFC 9068 §4) by
 * an allowed algorithm with a kid. Keys that a header brings or points to (`jwk`, `jku`, `x5c`, `x5u`) and critical extensions are
 * refused: nobody who issues our tokens uses them.
 */
export function readTokenHeader(
  token: string,
  algorithms: readonly TokenAlgorithm[],
): TokenHeader | undefined {
  if (token.length > MAX_TOKEN_LENGTH || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return undefined;
  const header = parse(token.slice(0, token.indexOf('.')));
  if (!header || ['jwk', 'jku', 'x5c', 'x5u', 'crit'].some((member) => Object.hasOwn(header, member)))
    return undefined;
  const { alg, kid, typ } = header;
  if (typeof typ !== 'string' || !/^(application\/)?at\+jwt$/i.test(typ)) return undefined;
  if (typeof kid !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(kid)) return undefined;
  const algorithm = algorithms.find((allowed) => allowed === alg);
  return algorithm && { algorithm, kid };
}

function parse(segment: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
