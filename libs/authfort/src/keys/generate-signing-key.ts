import { createHash, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { SigningAlgorithm } from '../options/auth-fort.options.js';

const generate = promisify(generateKeyPair);

/** A fresh key pair, named by its RFC 7638 thumbprint. */
export interface GeneratedKey {
  kid: string;
  algorithm: SigningAlgorithm;
  privateKey: KeyObject;
}

/** Makes an RSA-2048 (RS256) or P-256 (ES256) key in the thread pool. */
export async function generateSigningKey(algorithm: SigningAlgorithm): Promise<GeneratedKey> {
  const { publicKey, privateKey } =
    algorithm === 'RS256'
      ? await generate('rsa', { modulusLength: 2048 })
      : await generate('ec', { namedCurve: 'P-256' });
  const kid = thumbprint(publicMembers(publicKey));
  // On a command line it would look like an option: `authfort keys compromise -kid`.
  return kid.startsWith('-') ? generateSigningKey(algorithm) : { kid, algorithm, privateKey };
}

/** A public key as JWK members (RFC 7517 §4, RFC 7518 §6). */
export function publicMembers(publicKey: KeyObject): Record<string, string> {
  return publicKey.export({ format: 'jwk' }) as Record<string, string>;
}

/** RFC 7638 §3: SHA-256 over the required members, in lexical order and without white space. */
function thumbprint(jwk: Record<string, string>): string {
  const members = jwk.kty === 'RSA' ? ['e', 'kty', 'n'] : ['crv', 'kty', 'x', 'y'];
  const canonical = JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]])));
  return createHash('sha256').update(canonical).digest('base64url');
}
