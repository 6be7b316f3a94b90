import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import jwksRsa from 'jwks-rsa';
import { textOf } from '../http/body-of.js';
import { OutgoingRequests } from '../http/outgoing-requests.js';
import type { TokenAlgorithm } from './token-header.js';

/** A key of a JWKS, parsed. */
export interface VerificationKey {
  readonly key: KeyObject;
  readonly algorithm: TokenAlgorithm;
}

/** Fetches a JWKS. */
export type JwksFetcher = () => Promise<ReadonlyMap<string, VerificationKey>>;

const MAX_LENGTH = 256 * 1024;
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'];

/**
 * Fetches a JWKS through jwks-rsa, whose own cache and rate limit are off: they drop keys that are still good when the server is
 * away, and let unknown kids use the budget up. See {@link JwksKeySource} for what takes their place.
 */
export function jwksFetcher(
  jwksUrl: string,
  timeoutSeconds: number,
  outgoing = new OutgoingRequests(),
): JwksFetcher {
  const client = new jwksRsa.JwksClient({
    jwksUri: jwksUrl,
    cache: false,
    rateLimit: false,
    fetcher: (url) =>
      outgoing.run(timeoutSeconds * 1000, (signal) => fetchJson(url, signal)) as ReturnType<
        NonNullable<jwksRsa.Options['fetcher']>
      >,
  });
  return async () => parseJwks(await client.getKeys());
}

async function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  // A redirect could lead to a host that the operator never named.
  const response = await fetch(url, { redirect: 'error', headers: { accept: 'application/json' }, signal });
  if (!response.ok) throw new Error(`the answer was ${response.status}`);
  return JSON.parse(await textOf(response, signal, MAX_LENGTH));
}

/**
 * The usable keys by kid: RSA of at least 2048 bits or P-256, for signatures, public members only. Others are passed over.
 * @throws Error when none is left: then it is no JWKS that anything could be verified with
 */
export function parseJwks(keys: unknown): ReadonlyMap<string, VerificationKey> {
  if (!Array.isArray(keys)) throw new Error('the answer is no JWKS');
  const usable = new Map<string, VerificationKey>();
  for (const jwk of keys as unknown[]) {
    const parsed = parseKey(jwk);
    if (parsed && !usable.has(parsed.kid)) usable.set(parsed.kid, parsed);
  }
  if (usable.size === 0) throw new Error('the JWKS has no usable key');
  return usable;
}

function parseKey(jwk: unknown): (VerificationKey & { kid: string }) | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined;
  const { kid, kty, use, alg, crv } = jwk as Record<string, unknown>;
  if (typeof kid !== 'string' || kid === '' || (use !== undefined && use !== 'sig')) return undefined;
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))) return undefined;
  const algorithm = kty === 'RSA' ? 'RS256' : kty === 'EC' && crv === 'P-256' ? 'ES256' : undefined;
  if (!algorithm || (alg !== undefined && alg !== algorithm)) return undefined;
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    if (algorithm === 'RS256' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) return undefined;
    return { kid, key, algorithm };
  } catch {
    return undefined;
  }
}
