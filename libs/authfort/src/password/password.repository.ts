import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { RevocationLogRepository } from '../revocation/revocation-log.repository.js';

/** The passwords of an account, as hashes. */
export interface StoredPasswords {
  readonly current: string | null;
  /** Newest first. */
  readonly earlier: readonly string[];
}

/** Password hashes and their history. */
@Injectable()
export class PasswordRepository {
  constructor(
    private readonly database: Database,
    private readonly revocations: RevocationLogRepository,
  ) {}

  /** @param history how many earlier ones */
  async find(userId: string, history: number): Promise<StoredPasswords | undefined> {
    const [found] = await this.database.query<StoredPasswords>(
      `SELECT password_hash AS current, ARRAY(
         SELECT h.password_hash FROM authfort_password_history h WHERE h.user_id = u.id ORDER BY h.replaced_at DESC LIMIT $2
       ) AS earlier
       FROM authfort_users u WHERE u.id = $1 AND u.deleted_at IS NULL`,
      [userId, history],
    );
    return found;
  }

  /**
   * Puts `next` in the place of `current`, if that is still the password, and makes every access token of the user invalid.
   * @returns false when the password has been changed meanwhile
   */
  async replace(userId: string, current: string | null, next: string): Promise<boolean> {
    const replaced = await this.revocations.endUsers(
      `UPDATE authfort_users SET password_hash = $3, token_version = token_version + 1
       WHERE id = $1 AND password_hash IS NOT DISTINCT FROM $2 AND deleted_at IS NULL RETURNING id, token_version`,
      [userId, current, next],
    );
    return replaced > 0;
  }

  /** Replaces a hash made at weaker settings, unless the password has been changed meanwhile. */
  async upgrade(userId: string, oldHash: string, newHash: string): Promise<void> {
    await this.database.query(
      'UPDATE authfort_users SET password_hash = $3 WHERE id = $1 AND password_hash = $2',
      [userId, oldHash, newHash],
    );
  }

  /**
   * Sets the first password of an account.
   * @param sessionId the session that asked, if it was one
   * @returns false when it has one, `tokenVersion` is no longer that of the account, or the session has ended
   */
  async setFirst(
    userId: string,
    hash: string,
    tokenVersion: number,
    sessionId: string | null,
  ): Promise<boolean> {
    // The end of all sessions raises `token_version`.
    const rows = await this.database.query(
      `UPDATE authfort_users SET password_hash = $2
       WHERE id = $1 AND password_hash IS NULL AND token_version = $3 AND deleted_at IS NULL
         AND ($4::uuid IS NULL OR EXISTS (SELECT 1 FROM authfort_sessions WHERE id = $4 AND user_id = $1 AND revoked_at IS NULL))
       RETURNING id`,
      [userId, hash, tokenVersion, sessionId],
    );
    return rows.length > 0;
  }

  /** Keeps a replaced hash, and of all no more than `history`. */
  async remember(userId: string, hash: string, history: number, now: Date): Promise<void> {
    await this.database.query(
      'INSERT INTO authfort_password_history (id, user_id, password_hash, replaced_at) VALUES ($1, $2, $3, $4)',
      [randomUUID(), userId, hash, now],
    );
    await this.database.query(
      `DELETE FROM authfort_password_history WHERE user_id = $1 AND id NOT IN
         (SELECT id FROM authfort_password_history WHERE user_id = $1 ORDER BY replaced_at DESC, id LIMIT $2)`,
      [userId, history],
    );
  }

  async forgetHistory(userId: string): Promise<void> {
    await this.database.query('DELETE FROM authfort_password_history WHERE user_id = $1', [userId]);
  }
}
