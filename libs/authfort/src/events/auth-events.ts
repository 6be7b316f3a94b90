import type { ClientInfo } from '../http/client-info.js';

/** Every event and what it carries. Never a token, a code, a password or a hash. */
export interface AuthEventMap {
  user_created: { userId: string; email: string; name: string | null; provider: string };
  user_banned: { userId: string };
  user_unbanned: { userId: string };
  login: { userId: string; email: string; sessionId: string; provider: string; client: ClientInfo };
  login_failed: { email: string; reason: 'unknown_user' | 'wrong_password' | 'banned'; client: ClientInfo };
  logout: { userId: string; sessionId: string };
  /** `repeated`: the same answer once more, within 30 s; more than a retry if it comes from another place. */
  token_refreshed: { userId: string; sessionId: string; client: ClientInfo; repeated: boolean };
  /** The refresh cookie and the access cookie belong to different sessions: one of them was planted. */
  refresh_token_mismatch: { userId: string; sessionId: string; client: ClientInfo };
  /** A rotated refresh token came back after its successor was used: the session has been revoked. */
  refresh_token_reused: { userId: string; sessionId: string; client: ClientInfo };
  /** `sessionId` is null when all sessions of the user were revoked. */
  session_revoked: { userId: string; sessionId: string | null };
  role_added: { userId: string; role: string };
  role_removed: { userId: string; role: string };
  rate_limit_exceeded: { limit: string; ip: string };
  key_rotated: { oldKid: string; newKid: string };
  key_compromised: { kid: string };
}

/** The name of an event. */
export type AuthEventName = keyof AuthEventMap;

/** What a listener of `Name` receives. */
export type AuthEvent<Name extends AuthEventName = AuthEventName> = {
  readonly [N in AuthEventName]: { readonly name: N; readonly at: Date } & Readonly<AuthEventMap[N]>;
}[Name];
