import type { User } from '../users/user.js';

/** What a client receives when it signs in or refreshes. */
export interface AuthTokens {
  /** JWT, see AccessTokenService. */
  readonly accessToken: string;
  /** Opaque; shown only here. */
  readonly refreshToken: string;
  /** Lifetime of the access token in seconds; it ends with the session at the latest. */
  readonly expiresIn: number;
  /** Remaining lifetime of the refresh token in seconds; it ends with the session at the latest. */
  readonly refreshExpiresIn: number;
}

/** The user, their session and the tokens that speak for it. */
export interface AuthResult {
  readonly user: User;
  readonly sessionId: string;
  readonly tokens: AuthTokens;
}
