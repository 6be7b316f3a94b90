import type { AuthUser } from './auth-user.js';

/** Why a token whose signature and times are good is refused all the same. */
export type RevocationRefusal = 'session_revoked' | 'token_version_mismatch' | 'token_invalid';

/**
 * What has ended before its time. A service keeps such a list from the auth server's feed; the auth server asks its database instead.
 */
export abstract class TokenRevocations {
  /** Raised by every addition: a token that was looked at in this epoch needs no other look. */
  abstract readonly epoch: number;
  /** Whether the token of `user`, signed by the key `kid`, was ended. Two or three look-ups in maps. */
  abstract refusalOf(user: AuthUser, kid: string): RevocationRefusal | undefined;
}
