import type { ClientInfo } from '../http/client-info.js';
import type { MailName } from '../options/mail.options.js';

/** What an event about an account carries. */
interface OfUser {
  userId: string;
}
interface OfAddress extends OfUser {
  email: string;
}
interface OfSession extends OfUser {
  sessionId: string;
  client: ClientInfo;
}

/** Every event and what it carries. Never a token, a code, a password or a hash. */
export interface AuthEventMap {
  /**
   * `userName`: the name that the user gave, for `name` is the event's. `provider`: how the account came to be; `email`, `magic_link`,
   * `email_otp` or `admin`.
   */
  user_created: OfAddress & { userName: string | null; provider: string };
  /** `fields`: the names of what was changed. */
  user_updated: OfUser & { fields: string[] };
  /** `hard`: the row is gone too; otherwise the account was anonymised. */
  user_deleted: OfUser & { hard: boolean };
  user_banned: OfUser;
  user_unbanned: OfUser;
  login: OfSession & { email: string; provider: string };
  /** `userId` is null for an address without an account. */
  login_failed: {
    userId: string | null;
    email: string;
    reason: 'unknown_user' | 'wrong_password' | 'banned' | 'email_not_verified';
    client: ClientInfo;
  };
  logout: OfUser & { sessionId: string };
  /** `repeated`: the same answer once more, within 30 s; more than a retry if it comes from another place. */
  token_refreshed: OfSession & { repeated: boolean };
  /** The refresh cookie and the access cookie belong to different sessions: one of them was planted. */
  refresh_token_mismatch: OfSession;
  /** The first repeat of a rotated refresh token that was answered without loss; `client` sent the repeat. */
  refresh_token_repeated: OfSession;
  /**
   * A rotated refresh token came back, at a refresh or a logout: after its successor was used, more than 30 s later, or from another
   * network and another device than the rotation. The session has been revoked.
   */
  refresh_token_reused: OfSession;
  /** `sessionId` is null when all sessions of the user were revoked, but for the one that asked. */
  session_revoked: OfUser & { sessionId: string | null };
  role_added: OfUser & { role: string };
  role_removed: OfUser & { role: string };
  permission_granted: { role: string; permission: string };
  permission_withdrawn: { role: string; permission: string };
  password_reset_requested: OfAddress;
  password_reset: OfUser;
  password_changed: OfUser;
  password_set: OfUser;
  /** The password stands in a list of breached ones. `userId` is null at sign-up. */
  password_pwned_rejected: { userId: string | null };
  password_reuse_rejected: OfUser;
  email_verification_requested: OfAddress;
  email_verified: OfAddress;
  /**
   * The owner of the address has claimed an account that somebody else may have made. Its password, sessions, tokens and profile are
   * removed; its id stays. Data that is stored under this `userId` may belong to the other person. `verifiedBefore`: somebody had followed
   * a link to the address before, without a session of the account; it may have been the same person.
   */
  account_claimed: OfAddress & { verifiedBefore: boolean };
  email_change_requested: OfUser;
  /** The address has been changed from `oldEmail` to `email`. */
  email_changed: OfAddress & { oldEmail: string };
  magic_link_requested: OfAddress;
  magic_link_login: OfAddress;
  email_otp_requested: OfAddress;
  email_otp_login: OfAddress;
  rate_limit_exceeded: { limit: string; ip: string };
  key_rotated: { oldKid: string; newKid: string };
  key_compromised: { kid: string };
  /** Somebody has what was given up delivered once more: `event`, to `consumer`. */
  dead_letter_retried: { consumer: string; event: AuthEventName | MailName; userId: string | null };
}

/** The name of an event. */
export type AuthEventName = keyof AuthEventMap;

/** What a listener of `Name` receives. `id` is the same on every repeat of a durable or webhook delivery. */
export type AuthEvent<Name extends AuthEventName = AuthEventName> = {
  readonly [N in AuthEventName]: { readonly name: N; readonly id: string; readonly at: Date } & Readonly<
    AuthEventMap[N]
  >;
}[Name];

/** Not in the audit log: what happens all the time and changes nothing. */
const UNAUDITED: ReadonlySet<AuthEventName> = new Set(['token_refreshed', 'rate_limit_exceeded']);

/** Whether the audit log has an entry for each event of the name. */
export function isAudited(name: AuthEventName): boolean {
  return !UNAUDITED.has(name);
}

/** Every name, for webhooks; the compiler says when one is missing. */
const NAMES: Record<AuthEventName, true> = {
  user_created: true,
  user_updated: true,
  user_deleted: true,
  user_banned: true,
  user_unbanned: true,
  login: true,
  login_failed: true,
  logout: true,
  token_refreshed: true,
  refresh_token_mismatch: true,
  refresh_token_repeated: true,
  refresh_token_reused: true,
  session_revoked: true,
  role_added: true,
  role_removed: true,
  permission_granted: true,
  permission_withdrawn: true,
  password_reset_requested: true,
  password_reset: true,
  password_changed: true,
  password_set: true,
  password_pwned_rejected: true,
  password_reuse_rejected: true,
  email_verification_requested: true,
  email_verified: true,
  account_claimed: true,
  email_change_requested: true,
  email_changed: true,
  magic_link_requested: true,
  magic_link_login: true,
  email_otp_requested: true,
  email_otp_login: true,
  rate_limit_exceeded: true,
  key_rotated: true,
  key_compromised: true,
  dead_letter_retried: true,
};

/** The names of all events. */
export const authEventNames = Object.keys(NAMES) as AuthEventName[];
