import { Injectable } from '@nestjs/common';
import { Batch } from '../database/batch.js';
import { Database } from '../database/database.js';
import { BATCH_ROWS, inBatches } from '../database/in-batches.js';
import { prepared } from '../database/prepared-statement.js';
import type { ClientInfo } from '../http/client-info.js';
import { RevocationLogRepository } from '../revocation/revocation-log.repository.js';
import { type User, USER_COLUMNS } from '../users/user.js';
import type { Session, SessionPosition } from './session-page.js';
import { IS_NOT_REVOKED, lastSeenAt, OPEN_SESSION } from './session-statements.js';

/** A user together with the state of one of their sessions. */
export interface UserInSession extends User {
  /** False once the session was revoked or has reached its end, or when there is none. */
  readonly sessionLive: boolean;
  /** Set for a session that was kept while all others ended: its access tokens are valid from this `ver` on. */
  readonly keptTokensFrom: number | null;
}

/** A session that begins, with the first of its refresh tokens. */
export interface NewSession {
  readonly id: string;
  readonly userId: string;
  readonly amr: readonly string[];
  readonly acr: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly refreshTokenHash: Buffer;
  readonly refreshTokenExpiresAt: Date;
}

/**
 * For any number of users and sessions, in their order; null for who is not there. One value: pg works out anew with every answer what to
 * do with each column.
 */
const FIND_USERS_IN_SESSIONS = prepared(
  'find_users_in_sessions',
  `SELECT json_agg((
     SELECT row_to_json(found) FROM (
       SELECT ${USER_COLUMNS}, s.id IS NOT NULL AS "sessionLive",
         CASE WHEN s.version = u.token_version THEN s.kept_tokens_from END AS "keptTokensFrom"
       FROM authfort_users u LEFT JOIN authfort_sessions s
         ON s.id = asked.session_id AND s.user_id = u.id AND s.expires_at > $3 AND ${IS_NOT_REVOKED}
       WHERE u.id = asked.user_id
     ) AS found
   ) ORDER BY asked.n) AS found
   FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (user_id, session_id, n)`,
);

interface UserAndSession {
  readonly userId: string;
  readonly sessionId: string;
  readonly now: Date;
}

/** A row as JSON has it. */
type InJson<Row> = {
  readonly [Key in keyof Row]: Date extends Row[Key] ? string | Exclude<Row[Key], Date> : Row[Key];
};

/** Sessions. `AllSessionsRepository` ends all of a user. */
@Injectable()
export class SessionRepository {
  private readonly lookUps = new Batch((asked: readonly UserAndSession[]) => this.findAll(asked));

  constructor(
    private readonly database: Database,
    private readonly revocations: RevocationLogRepository,
  ) {}

  /**
   * Stores a session together with its first refresh token, and ends the sessions of the user that are over `most` with it: those that
   * were used longest ago. Call it in a transaction that holds a lock on the user.
   */
  async open(session: NewSession, client: ClientInfo, most: number): Promise<void> {
    const parameters = [
      session.id,
      session.userId,
      session.amr,
      session.createdAt,
      session.expiresAt,
      client.ip || null,
      client.userAgent,
      session.refreshTokenHash,
      session.refreshTokenExpiresAt,
      most,
      session.acr,
    ];
    let ended = 0;
    await this.database.execute(OPEN_SESSION, parameters, (count) => (ended = count));
    this.database.afterCommit(() => {
      if (ended > 0) this.revocations.announce();
    });
  }

  /** What a request with an access token needs to know, by two primary keys; requests that come together are looked up together. */
  findUserInSession(userId: string, sessionId: string, now: Date): Promise<UserInSession | undefined> {
    return this.lookUps.find({ userId, sessionId, now });
  }

  private async findAll(asked: readonly UserAndSession[]): Promise<(UserInSession | undefined)[]> {
    const [row] = await this.database.query<{ found: (InJson<UserInSession> | null)[] }>(
      FIND_USERS_IN_SESSIONS,
      [
        asked.map(({ userId }) => userId),
        asked.map(({ sessionId }) => sessionId),
        // They came within one turn of the event loop: the last of them has the time of all.
        asked.at(-1)!.now,
      ],
    );
    return row!.found.map((found) => (found === null ? undefined : withDates(found)));
  }

  /** Live sessions of a user, newest first, from behind `after` on; each with its position. */
  listLive(
    userId: string,
    now: Date,
    limit: number,
    after: SessionPosition | undefined,
  ): Promise<(Session & { micros: string })[]> {
    return this.database.query(
      `SELECT s.id, s.created_at AS "createdAt", s.expires_at AS "expiresAt", s.ip, s.user_agent AS "userAgent",
         ${lastSeenAt('s', '$2')} AS "lastSeenAt", (extract(epoch FROM s.created_at) * 1000000)::bigint::text AS micros
       FROM authfort_sessions s JOIN authfort_users u ON u.id = s.user_id
       WHERE s.user_id = $1 AND ${IS_NOT_REVOKED} AND s.expires_at > $2
         AND (SELECT t.expires_at > $2 FROM authfort_refresh_tokens t WHERE t.session_id = s.id ORDER BY t.issued_at DESC LIMIT 1)
         AND (s.created_at, s.id) < (
           coalesce('epoch'::timestamptz + $4::bigint * interval '1 microsecond', 'infinity'),
           coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
       ORDER BY s.created_at DESC, s.id DESC LIMIT $3`,
      [userId, now, limit, after?.micros ?? null, after?.id ?? null],
    );
  }

  /** @returns the owner, or undefined when there is nothing to revoke. `userId`, where given, must be the owner. */
  async revoke(sessionId: string, reason: string, now: Date, userId?: string): Promise<string | undefined> {
    const ended = await this.revocations.endSessions(
      `UPDATE authfort_sessions s SET revoked_at = $2, revoked_reason = $3 FROM authfort_users u
       WHERE s.id = $1 AND u.id = s.user_id AND ${IS_NOT_REVOKED} AND ($4::uuid IS NULL OR s.user_id = $4::uuid)
       RETURNING s.id, s.user_id`,
      [sessionId, now, reason, userId ?? null],
    );
    return ended.userId;
  }

  /**
   * Deletes at most `limit` sessions: sessions past their absolute end, whose tokens are all invalid, and sessions that newer sign-ins
   * ended a day ago. The latter are no evidence of a theft, and a user could create any number of them. A session that is both counts
   * once: otherwise the clean-up would take a full batch for the last one.
   */
  async deleteExpired(now: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `DELETE FROM authfort_sessions WHERE id IN (
         SELECT id FROM (
           SELECT id FROM authfort_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
         ) AS expired
         UNION
         SELECT id FROM (
           SELECT id FROM authfort_sessions
           WHERE revoked_reason = 'session_limit' AND revoked_at <= $1::timestamptz - interval '1 day'
           ORDER BY revoked_at LIMIT $2 FOR UPDATE SKIP LOCKED
         ) AS superseded
         LIMIT $2)
       RETURNING 1`,
      [now, limit],
    );
    return rows.length;
  }

  /** Forgets where the sessions of a user came from. */
  async redact(userId: string): Promise<void> {
    await inBatches((rows) =>
      this.changed(
        `UPDATE authfort_sessions SET ip = NULL, user_agent = NULL WHERE id IN (
           SELECT id FROM authfort_sessions WHERE user_id = $1 AND (ip IS NOT NULL OR user_agent IS NOT NULL) LIMIT $2)`,
        [userId, rows],
      ),
    );
  }

  /** Deletes all sessions of a user with their refresh tokens. */
  async deleteAll(userId: string): Promise<void> {
    // Each row costs a look-up of its tokens.
    await inBatches(
      (rows) =>
        this.changed(
          'DELETE FROM authfort_sessions WHERE id IN (SELECT id FROM authfort_sessions WHERE user_id = $1 LIMIT $2)',
          [userId, rows],
        ),
      BATCH_ROWS / 5,
    );
  }

  private async changed(change: string, parameters: unknown[]): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(
      `WITH changed AS (${change} RETURNING 1) SELECT count(*)::int AS count FROM changed`,
      parameters,
    );
    return row!.count;
  }
}

function withDates(found: InJson<UserInSession>): UserInSession {
  const { createdAt, deletedAt } = found;
  return Object.assign(found, {
    createdAt: new Date(createdAt),
    deletedAt: deletedAt === null ? null : new Date(deletedAt),
  });
}
