import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { RevocationLogRepository } from '../revocation/revocation-log.repository.js';
import { IS_NOT_REVOKED } from './session-statements.js';

/** Rows of sessions that one statement marks as revoked. */
const BATCH = 1000;

interface EndedUser {
  readonly version: number;
  readonly live: number;
}

/**
 * Ends all sessions of a user by a change of the user's row. `sessions_from` is raised to the new `token_version`, and every session with
 * a lower `version` has ended: refresh tokens and access tokens are refused from the commit on, and services learn it from one entry.
 * The cost does not depend on the number of sessions. `revoked_at` of their rows only records the end; the first batch of rows is marked
 * in the same transaction and the clean-up marks the others.
 */
@Injectable()
export class AllSessionsRepository {
  constructor(
    private readonly database: Database,
    private readonly revocations: RevocationLogRepository,
  ) {}

  /**
   * Ends all sessions of a user, except `exceptSessionId`. Call it in a transaction.
   * @returns how many sessions ended
   */
  async end(userId: string, reason: string, now: Date, exceptSessionId?: string): Promise<number> {
    const user = await this.lock(userId, now, exceptSessionId);
    if (!user) return 0;
    const keptTokensFrom = exceptSessionId && (await this.keep(userId, exceptSessionId, user.version));
    await this.revocations.endUserExcept(
      `UPDATE authfort_users SET token_version = token_version + 1, sessions_from = token_version + 1
       WHERE id = $1 RETURNING id, token_version, $2::uuid AS kept_session_id, $3::integer AS kept_tokens_from`,
      keptTokensFrom === undefined ? [userId, null, null] : [userId, exceptSessionId, keptTokensFrom],
    );
    if ((await this.mark(userId, reason, now)) === BATCH)
      await this.database.query('UPDATE authfort_users SET sessions_ended_at = $2 WHERE id = $1', [
        userId,
        now,
      ]);
    return user.live;
  }

  /** Marks at most `limit` rows of sessions that ended with all others of their user. @returns how many rows it changed */
  async markEnded(limit: number): Promise<number> {
    const [user] = await this.database.query<{ id: string; at: Date }>(
      `SELECT id, sessions_ended_at AS at FROM authfort_users WHERE sessions_ended_at IS NOT NULL
       ORDER BY sessions_ended_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`,
    );
    if (!user) return 0;
    const marked = await this.mark(user.id, 'revoked', user.at, limit);
    if (marked < limit)
      await this.database.query('UPDATE authfort_users SET sessions_ended_at = NULL WHERE id = $1', [
        user.id,
      ]);
    // Another user may be next.
    return limit;
  }

  /** Locks the user's row first: what follows sees every change before it, and opens of sessions wait or came earlier. */
  private async lock(
    userId: string,
    now: Date,
    exceptSessionId: string | undefined,
  ): Promise<EndedUser | undefined> {
    await this.database.query('SELECT 1 FROM authfort_users WHERE id = $1 FOR NO KEY UPDATE', [userId]);
    const [user] = await this.database.query<EndedUser>(
      `SELECT u.token_version AS version, (
         SELECT count(*)::integer FROM authfort_sessions s
         WHERE s.user_id = u.id AND ${IS_NOT_REVOKED} AND s.expires_at > $2 AND s.id IS DISTINCT FROM $3::uuid
       ) AS live FROM authfort_users u WHERE u.id = $1`,
      [userId, now, exceptSessionId ?? null],
    );
    return user;
  }

  /** @returns the lowest version of the session's tokens that stay valid; undefined when there is no such session to keep */
  private async keep(userId: string, sessionId: string, version: number): Promise<number | undefined> {
    const [kept] = await this.database.query<{ from: number }>(
      `UPDATE authfort_sessions s SET version = $3::integer + 1,
         kept_tokens_from = CASE WHEN s.version = $3 THEN coalesce(s.kept_tokens_from, $3) ELSE $3 END
       FROM authfort_users u WHERE s.id = $2 AND s.user_id = $1 AND u.id = s.user_id AND ${IS_NOT_REVOKED}
       RETURNING s.kept_tokens_from AS "from"`,
      [userId, sessionId, version],
    );
    return kept?.from;
  }

  private async mark(userId: string, reason: string, now: Date, limit = BATCH): Promise<number> {
    const rows = await this.database.query(
      `UPDATE authfort_sessions SET revoked_at = $2, revoked_reason = $3 WHERE id IN (
         SELECT s.id FROM authfort_sessions s JOIN authfort_users u ON u.id = s.user_id
         WHERE s.user_id = $1 AND s.revoked_at IS NULL AND s.version < u.sessions_from LIMIT $4
       ) RETURNING 1`,
      [userId, now, reason, limit],
    );
    return rows.length;
  }
}
