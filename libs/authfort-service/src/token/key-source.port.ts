import type { KeyObject } from 'node:crypto';

/** Finds public keys: in the auth server's JWKS, or in the auth server itself. Keys are parsed once, not on a request. */
export abstract class KeySource {
  /**
   * The key of a kid, for that algorithm only.
   * @throws AuthFortError `token_invalid` when there is no such key; `keys_unavailable` when that cannot be known now
   */
  abstract getKey(kid: string, algorithm: string): KeyObject | Promise<KeyObject>;
}
