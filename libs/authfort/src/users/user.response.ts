import type { User } from './user.js';

/** A user in an answer: snake_case, null where unset. */
export interface UserResponse {
  id: string;
  email: string;
  name: string | null;
  email_verified: boolean;
  avatar_url: string | null;
  phone: string | null;
  banned: boolean;
  is_deleted: boolean;
  deleted_at: string | null;
  roles: readonly string[];
  created_at: string;
  session_id: string | null;
  mfa_enabled: boolean;
}

export function toUserResponse(user: User, sessionId: string | null): UserResponse {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    email_verified: user.emailVerified,
    avatar_url: user.avatarUrl,
    phone: user.phone,
    banned: user.banned,
    is_deleted: user.deletedAt !== null,
    deleted_at: user.deletedAt?.toISOString() ?? null,
    roles: user.roles,
    created_at: user.createdAt.toISOString(),
    session_id: sessionId,
    mfa_enabled: user.mfaEnabled,
  };
}
