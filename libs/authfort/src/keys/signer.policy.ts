import type { StoredSigningKey } from './signing-key.repository.js';

/**
 * The key that signs: the current one, or its predecessor until the current one is in every cached JWKS.
 * @param keys newest first, as the repository lists them
 */
export function signerAmong<Key extends Pick<StoredSigningKey, 'state' | 'trustedFrom'>>(
  keys: readonly Key[],
  now: Date,
): Key | undefined {
  const signers = keys.filter(({ state }) => state !== 'next');
  return signers.find(({ trustedFrom }) => trustedFrom <= now) ?? signers[0];
}
