import { toUserResponse, type UserResponse } from '../users/user.response.js';
import type { AuthResult } from './auth-result.js';

/** The answer of whatever signs a user in or refreshes. */
export interface AuthResponse {
  user: UserResponse;
  tokens: { access_token: string; refresh_token: string; expires_in: number };
}

export function toAuthResponse({ user, sessionId, tokens }: AuthResult): AuthResponse {
  return {
    user: toUserResponse(user, sessionId),
    tokens: {
      access_token: tokens.accessToken,
      refresh_token: tokens.refreshToken,
      expires_in: tokens.expiresIn,
    },
  };
}
