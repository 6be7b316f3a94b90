import type { KeyObject } from 'node:crypto';

/** Finds public keys: in the auth server's JWKS, or in the auth server itself. Keys are parsed once, not on a request. */
export abstract class KeySource {
  /**
   * The key of a kid, for that algorithm only. A key that stays is the same object each time.
   * @throws AuthFortError `token_invalid` when there is no such key; `keys_unavailable` when that cannot be known now
   */
  abstract getKey(kid: string, algorithm: string): KeyObject | Promise<KeyObject>;

  /** Raised whenever a key was added, changed or taken away; it may be raised more often. Default: never. */
  get generation(): number {
    return 0;
  }

  /**
   * Until when {@link getKey} need not be asked again for a key that it gave in this generation: milliseconds since 1970.
   * Default 0: it has to be asked on each request.
   */
  get settledUntilMs(): number {
    return 0;
  }
}
