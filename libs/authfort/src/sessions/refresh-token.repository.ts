import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { prepared } from '../database/prepared-statement.js';
import { type User, USER_COLUMNS } from '../users/user.js';

/** Repeats of a rotated token are answered with the same successor for this long (seconds). */
export const REPEAT_WINDOW_SECONDS = 30;

/** What became of a presented token. Only `rotated`, `repeated` and `reused` say something about the session. */
export type RotationOutcome =
  'rotated' | 'repeated' | 'reused' | 'revoked' | 'expired' | 'banned' | 'mismatched';

/** The answer of {@link RefreshTokenRepository.rotate}. */
export interface Rotation {
  readonly outcome: RotationOutcome;
  /** The salt that the successor derives from: the given one, or on a repeat the one that the winner stored. */
  readonly salt: Buffer;
  readonly sessionId: string;
  readonly amr: string[];
  readonly acr: string;
  readonly sessionCreatedAt: Date;
  readonly user: User;
}

/** What a rotation is asked with. */
export interface RotationRequest {
  readonly tokenHash: Buffer;
  /** Fresh random salt, and the hash of the successor that derives from it. */
  readonly salt: Buffer;
  readonly successorHash: Buffer;
  readonly now: Date;
  readonly idleSeconds: number;
  /** The session that the client's other cookies speak for, if it has any. */
  readonly expectedSessionId: string | undefined;
}

/*
 * One statement, so that a crash leaves all of it or nothing.
 *
 * `token` locks the presented row. A racer waits there and then reads the winner's version of that row (READ COMMITTED
 * re-evaluates locked rows), so everything that decides between "rotated", "repeated" and "reused" stands in that one row: the
 * use of a successor is noted in its predecessor, by clearing the salt. Locks are taken from the newer token to the older one
 * only, so rotations cannot deadlock.
 */
const ROTATE = prepared(
  'rotate_refresh_token',
  `
  WITH token AS (
    SELECT token_hash, session_id, expires_at, rotated_at, successor_salt, predecessor_hash
    FROM authfort_refresh_tokens WHERE token_hash = $1 FOR UPDATE
  ), judged AS (
    SELECT token.token_hash, token.predecessor_hash, token.session_id, s.user_id, s.amr, s.acr, s.created_at, s.expires_at AS session_ends,
      CASE WHEN token.rotated_at IS NULL THEN $2::bytea ELSE token.successor_salt END AS salt,
      CASE
        WHEN u.banned THEN 'banned'
        WHEN s.revoked_at IS NOT NULL OR u.deleted_at IS NOT NULL THEN 'revoked'
        WHEN s.expires_at <= $4 OR (token.expires_at <= $4 AND NOT repeatable) THEN 'expired'
        WHEN token.rotated_at IS NOT NULL AND NOT repeatable THEN 'reused'
        WHEN $6::uuid <> token.session_id THEN 'mismatched'
        WHEN repeatable THEN 'repeated'
        ELSE 'rotated'
      END AS outcome
    FROM token
    CROSS JOIN LATERAL (
      SELECT token.successor_salt IS NOT NULL AND token.rotated_at >= $4::timestamptz - make_interval(secs => ${REPEAT_WINDOW_SECONDS}) AS repeatable
    ) AS window_of
    JOIN authfort_sessions s ON s.id = token.session_id
    JOIN authfort_users u ON u.id = s.user_id
  ), spent AS (
    UPDATE authfort_refresh_tokens t SET rotated_at = $4, successor_salt = $2
    FROM judged WHERE judged.outcome = 'rotated' AND t.token_hash = judged.token_hash
  ), settled AS (
    UPDATE authfort_refresh_tokens t SET successor_salt = NULL
    FROM judged WHERE judged.outcome = 'rotated' AND t.token_hash = judged.predecessor_hash
  ), successor AS (
    INSERT INTO authfort_refresh_tokens (token_hash, session_id, issued_at, expires_at, predecessor_hash)
    SELECT $3, session_id, $4, LEAST($4::timestamptz + make_interval(secs => $5), session_ends), token_hash
    FROM judged WHERE outcome = 'rotated'
  )
  SELECT judged.outcome, judged.salt, judged.session_id AS "sessionId", judged.amr, judged.acr, judged.created_at AS "sessionCreatedAt",
    ${USER_COLUMNS}
  FROM judged JOIN authfort_users u ON u.id = judged.user_id`,
);

/** The chains of refresh tokens. */
@Injectable()
export class RefreshTokenRepository {
  constructor(private readonly database: Database) {}

  /** Judges a presented token and does what follows from it, atomically. Undefined for a token that is not known. */
  async rotate(request: RotationRequest): Promise<Rotation | undefined> {
    const [row] = await this.database.query<Omit<Rotation, 'user'> & User>(ROTATE, [
      request.tokenHash,
      request.salt,
      request.successorHash,
      request.now,
      request.idleSeconds,
      request.expectedSessionId ?? null,
    ]);
    if (!row) return undefined;
    const { outcome, salt, sessionId, amr, acr, sessionCreatedAt, ...user } = row;
    return { outcome, salt, sessionId, amr, acr, sessionCreatedAt, user };
  }

  /** The session of a token, whatever state the token is in. */
  async findSession(tokenHash: Buffer): Promise<{ sessionId: string; userId: string } | undefined> {
    const [found] = await this.database.query<{ sessionId: string; userId: string }>(
      `SELECT s.id AS "sessionId", s.user_id AS "userId" FROM authfort_refresh_tokens t
       JOIN authfort_sessions s ON s.id = t.session_id WHERE t.token_hash = $1`,
      [tokenHash],
    );
    return found;
  }

  /**
   * Deletes at most `limit` tokens that expired by themselves. A rotated token stays as long as it would have lived: it is the
   * evidence that a replay of it is theft. And one window longer: one that was rotated at the last moment may yet be repeated.
   */
  async deleteExpired(now: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `DELETE FROM authfort_refresh_tokens WHERE token_hash IN
         (SELECT token_hash FROM authfort_refresh_tokens WHERE expires_at <= $1::timestamptz - make_interval(secs => ${REPEAT_WINDOW_SECONDS})
          ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING 1`,
      [now, limit],
    );
    return rows.length;
  }
}
