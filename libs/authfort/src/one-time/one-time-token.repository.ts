import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

/** What a one-time token is good for. A token is never taken for another purpose. */
export type OneTimePurpose = 'password_reset' | 'email_verification' | 'magic_link' | 'email_change';

/** Whom a token was made for. */
export interface OneTimeSubject {
  /** Null where the token is to make an account. */
  readonly userId: string | null;
  /** The address that the token was sent to: who has the token, has the address. */
  readonly email: string;
}

/** What says that an account is still in the hands that it was in. */
export interface AccountState {
  readonly email: string;
  /** Raised by whatever takes access away: a new password, a ban, an owner who has proved that the address is theirs. */
  readonly tokenVersion: number;
  /** The session that asked. Once it has been taken from whoever holds it, nothing that they asked for comes of it; signing out oneself is no such thing. */
  readonly sessionId?: string | null;
}

/** Tokens of one purpose that a user has at a time; a further one replaces the oldest. */
const MOST_PER_USER = 10;

/** Tokens that work once. */
@Injectable()
export class OneTimeTokenRepository {
  constructor(private readonly database: Database) {}

  /**
   * Stores a token; beyond {@link MOST_PER_USER} it replaces the oldest one. Stores nothing if the account was deleted or banned, or if its
   * address differs and the token is not for a change of address: the row is locked, so no token is left behind for an account whose access
   * is being revoked.
   * @param since for a change of address: the account's state when the change was requested. A different state means that the owner changed
   * or ended all sessions since
   * @returns false when nothing was stored
   */
  async insert(
    tokenHash: Buffer,
    purpose: OneTimePurpose,
    { userId, email }: OneTimeSubject,
    createdAt: Date,
    expiresAt: Date,
    since?: AccountState,
  ): Promise<boolean> {
    const rows = await this.database.query(
      `WITH owner AS (
         SELECT id FROM authfort_users
         WHERE id = $3 AND deleted_at IS NULL AND NOT banned AND email = coalesce($7, $4) AND token_version = coalesce($8, token_version)
         FOR SHARE
       ), session AS (
         SELECT id FROM authfort_sessions WHERE id = $9 AND (revoked_at IS NULL OR revoked_reason = 'logout') FOR SHARE
       ), surplus AS (
         DELETE FROM authfort_one_time_tokens WHERE token_hash IN
           (SELECT token_hash FROM authfort_one_time_tokens WHERE user_id = $3 AND purpose = $2
            ORDER BY created_at DESC OFFSET ${MOST_PER_USER - 1})
       )
       INSERT INTO authfort_one_time_tokens (token_hash, purpose, user_id, email, created_at, expires_at)
       SELECT $1, $2, $3, $4, $5, $6
       WHERE ($3::uuid IS NULL OR EXISTS (SELECT 1 FROM owner)) AND ($9::uuid IS NULL OR EXISTS (SELECT 1 FROM session))
       RETURNING 1`,
      [
        tokenHash,
        purpose,
        userId,
        email,
        createdAt,
        expiresAt,
        since?.email ?? null,
        since?.tokenVersion ?? null,
        since?.sessionId ?? null,
      ],
    );
    return rows.length > 0;
  }

  /** Looks without taking. */
  async find(tokenHash: Buffer, purpose: OneTimePurpose, now: Date): Promise<OneTimeSubject | undefined> {
    const [found] = await this.database.query<OneTimeSubject>(
      `SELECT user_id AS "userId", email FROM authfort_one_time_tokens
       WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3`,
      [tokenHash, purpose, now],
    );
    return found;
  }

  /** Takes the token: of any number of racers one receives it. */
  async consume(tokenHash: Buffer, purpose: OneTimePurpose, now: Date): Promise<OneTimeSubject | undefined> {
    const [taken] = await this.database.query<OneTimeSubject>(
      `DELETE FROM authfort_one_time_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3
       RETURNING user_id AS "userId", email`,
      [tokenHash, purpose, now],
    );
    return taken;
  }

  /** Makes the tokens of a user worthless: those of the purposes. */
  async discard(userId: string, purposes: readonly OneTimePurpose[]): Promise<void> {
    await this.database.query(
      'DELETE FROM authfort_one_time_tokens WHERE user_id = $1 AND purpose = ANY($2)',
      [userId, purposes],
    );
  }

  /** Deletes at most `limit` tokens that nobody used in time. */
  async deleteExpired(now: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `DELETE FROM authfort_one_time_tokens WHERE token_hash IN
         (SELECT token_hash FROM authfort_one_time_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING 1`,
      [now, limit],
    );
    return rows.length;
  }

  /** What is left of a user and of their address. */
  async discardAll(userId: string, email: string): Promise<void> {
    await this.database.query('DELETE FROM authfort_one_time_tokens WHERE user_id = $1 OR email = $2', [
      userId,
      email,
    ]);
  }
}
