import { Injectable } from '@nestjs/common';
import { accessError, AccessTokenVerifier, type AuthUser, Clock, TokenAuthenticator } from 'authfort-service';
import { isUuid } from '../database/uuid.js';
import type { User } from '../users/user.js';
import { SessionRepository, type UserInSession } from './session.repository.js';

/** The user of a request to the auth server: the token's claims, and the account as it is now. */
export interface SessionUser extends AuthUser {
  /** What the roles permit now, whatever the token says. */
  readonly permissions: readonly string[];
  readonly account: User;
}

/**
 * Accepts an access token only while its session and its user stand behind it: the signature first, then one look-up. So a
 * logout, a ban or a role change is felt here by the very next request.
 */
@Injectable()
export class SessionAuthenticator extends TokenAuthenticator {
  constructor(
    private readonly verifier: AccessTokenVerifier,
    private readonly sessions: SessionRepository,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** @throws AuthFortError `token_invalid`, `token_expired`, `token_version_mismatch`, `session_revoked`, `user_banned` */
  override async authenticate(token: string): Promise<SessionUser> {
    const verified = this.verifier.verify(token);
    // At once, for a token that was seen before.
    const user = verified instanceof Promise ? await verified : verified;
    if (!isUuid(user.sub) || !user.sessionId || !isUuid(user.sessionId)) throw accessError('token_invalid');
    const found = await this.sessions.findUserInSession(user.sub, user.sessionId, this.clock.now());
    if (!found || found.deletedAt) throw accessError('token_invalid');
    if (found.banned) throw accessError('user_banned');
    if (!found.sessionLive) throw accessError('session_revoked');
    if (!isOfThisVersion(user, found)) throw accessError('token_version_mismatch');
    const { tokenVersion, roles, permissions, emailVerified } = found;
    return { ...user, tokenVersion, roles, permissions, emailVerified, account: found };
  }

  /** Every request to the auth server is checked in real time already. */
  override confirm(user: AuthUser): Promise<AuthUser> {
    return Promise.resolve(user);
  }
}

/** The token is as new as the account, or of the session that its user kept when all others ended. */
function isOfThisVersion({ tokenVersion }: AuthUser, found: UserInSession): boolean {
  const { keptTokensFrom } = found;
  if (tokenVersion === found.tokenVersion) return true;
  return keptTokensFrom !== null && tokenVersion >= keptTokensFrom && tokenVersion < found.tokenVersion;
}
