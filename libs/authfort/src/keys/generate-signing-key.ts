import { createHash, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { SigningAlgorithm } from '../options/auth-fort.options.js';

const generate = promisify(generateKeyPair);

/** A fresh key pair, named by its RFC 7638 thumbprint. */
export interface GeneratedKey {
  kid: string;
  algorithm: SigningAlgorithm;
  privateKey: KeyObject;
  /** Public members only (RFC 7517 §9.3 warns of the others). */
  publicJwk: Record<string, string>;
}

/** Makes an RSA-2048 (RS256) or P-256 (ES256) key in the thread pool. */
export async function generateSigningKey(algorithm: SigningAlgorithm): Promise<GeneratedKey> {
  const { publicKey, privateKey } =
    algorithm === 'RS256'
      ? await generate('rsa', { modulusLength: 2048 })
      : await generate('ec', { namedCurve: 'P-256' });
  const publicJwk = publicKey.export({ format: 'jwk' }) as Record<string, string>;
  return { kid: thumbprint(publicJwk), algorithm, privateKey, publicJwk };
}

/** RFC 7638 §3: SHA-256 over the required members, in lexical order and without white space. */
function thumbprint(jwk: Record<string, string>): string {
  const members = jwk.kty === 'RSA' ? ['e', 'kty', 'n'] : ['crv', 'kty', 'x', 'y'];
  const canonical = JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]])));
  return createHash('sha256').update(canonical).digest('base64url');
}
