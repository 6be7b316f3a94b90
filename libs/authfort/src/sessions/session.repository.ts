import { Injectable } from '@nestjs/common';
import { Batch } from '../database/batch.js';
import { Database } from '../database/database.js';
import { prepared } from '../database/prepared-statement.js';
import type { ClientInfo } from '../http/client-info.js';
import { RevocationLogRepository } from '../revocation/revocation-log.repository.js';
import { type User, USER_COLUMNS } from '../users/user.js';

/** A session as its owner sees it. */
export interface Session {
  readonly id: string;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** A user together with the state of one of their sessions. */
export interface UserInSession extends User {
  /** False once the session was revoked or has reached its end, or when there is none. */
  readonly sessionLive: boolean;
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

const OPEN = prepared(
  'open_session',
  `WITH session AS (
     INSERT INTO authfort_sessions (id, user_id, amr, created_at, expires_at, ip, user_agent, acr)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $10) RETURNING id, created_at
   )
   INSERT INTO authfort_refresh_tokens (token_hash, session_id, issued_at, expires_at)
   SELECT $8, id, created_at, $9 FROM session`,
);

/**
 * For any number of users and sessions, in their order; null for who is not there. One value: pg works out anew with every answer what to
 * do with each column.
 */
const FIND_USERS_IN_SESSIONS = prepared(
  'find_users_in_sessions',
  `SELECT json_agg((
     SELECT row_to_json(found) FROM (
       SELECT ${USER_COLUMNS}, EXISTS (
         SELECT 1 FROM authfort_sessions s
         WHERE s.id = asked.session_id AND s.user_id = u.id AND s.revoked_at IS NULL AND s.expires_at > $3
       ) AS "sessionLive"
       FROM authfort_users u WHERE u.id = asked.user_id
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

/** Sessions. Every way to end one is a single statement that says what it ended. */
@Injectable()
export class SessionRepository {
  private readonly lookUps = new Batch((asked: readonly UserAndSession[]) => this.findAll(asked));

  constructor(
    private readonly database: Database,
    private readonly revocations: RevocationLogRepository,
  ) {}

  /** Stores a session together with its first refresh token. */
  async open(session: NewSession, client: ClientInfo): Promise<void> {
    await this.database.execute(OPEN, [
      session.id,
      session.userId,
      session.amr,
      session.createdAt,
      session.expiresAt,
      client.ip || null,
      client.userAgent,
      session.refreshTokenHash,
      session.refreshTokenExpiresAt,
      session.acr,
    ]);
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

  /** The live sessions of a user, newest first. */
  listLive(userId: string, now: Date): Promise<Session[]> {
    return this.database.query<Session>(
      `SELECT s.id, s.created_at AS "createdAt", s.expires_at AS "expiresAt", s.ip, s.user_agent AS "userAgent",
         (SELECT max(t.issued_at) FROM authfort_refresh_tokens t WHERE t.session_id = s.id) AS "lastSeenAt"
       FROM authfort_sessions s
       WHERE s.user_id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2
         AND EXISTS (SELECT 1 FROM authfort_refresh_tokens t WHERE t.session_id = s.id AND t.rotated_at IS NULL AND t.expires_at > $2)
       ORDER BY s.created_at DESC, s.id`,
      [userId, now],
    );
  }

  /** @returns the owner, or undefined when there is nothing to revoke. `userId`, where given, must be the owner. */
  async revoke(sessionId: string, reason: string, now: Date, userId?: string): Promise<string | undefined> {
    const ended = await this.revocations.endSessions(
      `UPDATE authfort_sessions SET revoked_at = $2, revoked_reason = $3
       WHERE id = $1 AND revoked_at IS NULL AND ($4::uuid IS NULL OR user_id = $4::uuid) RETURNING id, user_id`,
      [sessionId, now, reason, userId ?? null],
    );
    return ended.userId;
  }

  /** Ends all sessions of a user, but for `exceptSessionId`. @returns how many. */
  async revokeAll(userId: string, reason: string, now: Date, exceptSessionId?: string): Promise<number> {
    const { count } = await this.revocations.endSessions(
      `UPDATE authfort_sessions SET revoked_at = $2, revoked_reason = $3
       WHERE user_id = $1 AND revoked_at IS NULL AND ($4::uuid IS NULL OR id <> $4::uuid) RETURNING id, user_id`,
      [userId, now, reason, exceptSessionId ?? null],
    );
    return count;
  }

  /** Deletes at most `limit` sessions past their absolute end: by then no token of theirs, however old, is good for anything. */
  async deleteExpired(now: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `DELETE FROM authfort_sessions WHERE id IN
         (SELECT id FROM authfort_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING 1`,
      [now, limit],
    );
    return rows.length;
  }

  /** Forgets where the sessions of a user came from. */
  async redact(userId: string): Promise<void> {
    await this.database.query(
      'UPDATE authfort_sessions SET ip = NULL, user_agent = NULL WHERE user_id = $1 AND (ip IS NOT NULL OR user_agent IS NOT NULL)',
      [userId],
    );
  }
}

function withDates(found: InJson<UserInSession>): UserInSession {
  const { createdAt, deletedAt } = found;
  return Object.assign(found, {
    createdAt: new Date(createdAt),
    deletedAt: deletedAt === null ? null : new Date(deletedAt),
  });
}
