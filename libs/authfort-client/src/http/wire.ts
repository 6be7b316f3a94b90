import { invalidResponse } from '../errors/auth-client.error.js';
import type { AuthUser } from '../types.js';

/** A user as the server writes one. */
export interface WireUser {
  readonly id: string;
  readonly email: string;
  readonly name?: string | null;
  readonly phone?: string | null;
  readonly roles?: readonly string[];
  readonly email_verified?: boolean;
  readonly avatar_url?: string | null;
  readonly created_at: string;
  readonly mfa_enabled?: boolean;
  readonly session_id?: string | null;
}

/** The answer of a sign-in or a refresh. */
export interface WireAuth {
  readonly user: WireUser;
  readonly tokens: {
    readonly access_token: string;
    readonly refresh_token: string;
    readonly expires_in: number;
  };
}

/** The response to a sign-up whose address must be verified first. */
export interface WireUnverified {
  readonly user: WireUser;
  readonly tokens: null;
}

/** The answer of a sign-in that needs a second factor. */
export interface WireMfa {
  readonly mfa_required: true;
  readonly mfa_token: string;
  readonly expires_in?: number;
}

/** The response to a sign-in or a sign-up. */
export type WireSignIn = WireAuth | WireMfa | WireUnverified;

/** @throws AuthClientError `invalid_response` */
export function toUser(wire: WireUser | undefined): AuthUser {
  if (typeof wire?.id !== 'string') throw invalidResponse();
  return {
    id: wire.id,
    email: wire.email,
    name: wire.name ?? undefined,
    phone: wire.phone ?? undefined,
    roles: wire.roles ?? [],
    emailVerified: !!wire.email_verified,
    avatarUrl: wire.avatar_url ?? undefined,
    createdAt: wire.created_at,
    mfaEnabled: !!wire.mfa_enabled,
    sessionId: wire.session_id ?? undefined,
  };
}
