import { createHash } from 'node:crypto';
import type { ClientInfo } from '../http/client-info.js';
import { fairShareOf, networkOf } from '../http/network-of.js';
import type { AuthEvent, AuthEventMap, AuthEventName } from './auth-events.js';

/** Repeats within one window are one entry. Windows begin at full minutes, so all replicas have the same ones. */
const WINDOW_MS = 60_000;

type Same<Name extends AuthEventName> = (
  event: AuthEventMap[Name],
  client: ClientInfo | undefined,
) => unknown[];

/**
 * The events that a user or an anonymous client can cause without limit, and without a change that is bounded otherwise. Each function
 * returns the members that two events of its name must share to be repeats of each other.
 */
const REPEATABLE: { readonly [Name in AuthEventName]?: Same<Name> } = {
  login_failed: ({ userId, reason, client }) => [
    userId,
    reason,
    // Attempts at an account are bounded; a client can invent any number of addresses without an account.
    userId === null ? fairShareOf(client.ip) : networkOf(client.ip),
  ],
  refresh_token_mismatch: ({ sessionId }) => [sessionId],
  refresh_token_repeated: ({ sessionId }) => [sessionId],
  user_updated: ({ userId, fields }) => [userId, fields],
  password_pwned_rejected: ({ userId }, client) => [
    userId,
    userId === null ? fairShareOf(client?.ip ?? '') : '',
  ],
  password_reuse_rejected: ({ userId }) => [userId],
  password_reset_requested: ({ userId }) => [userId],
  email_verification_requested: ({ userId }) => [userId],
  email_change_requested: ({ userId }) => [userId],
  magic_link_requested: ({ userId }) => [userId],
  email_otp_requested: ({ userId }) => [userId],
};

/**
 * The key that an event shares with its repeats, 16 bytes in hexadecimal. Null for events that always get a new entry.
 * @param actorId who caused it: what an administrator does is not a repeat of what the user does
 */
export function repeatKeyOf(
  event: AuthEvent,
  actorId: string | null,
  client: ClientInfo | undefined,
): string | null {
  const same = REPEATABLE[event.name] as
    ((payload: AuthEvent, client: ClientInfo | undefined) => unknown[]) | undefined;
  if (!same) return null;
  const window = Math.floor(event.at.getTime() / WINDOW_MS);
  const text = JSON.stringify([event.name, actorId, window, ...same(event, client)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
