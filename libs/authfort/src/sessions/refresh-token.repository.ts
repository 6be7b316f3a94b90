import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { prepared } from '../database/prepared-statement.js';
import { type User, USER_COLUMNS } from '../users/user.js';
import type { ClientTraits } from './client-traits.js';
import { IS_NOT_REVOKED } from './session-statements.js';

/** A repeat of a rotated token receives the same successor for this long (seconds). */
export const REPEAT_WINDOW_SECONDS = 30;

/** What became of a presented token. Only `rotated`, `repeated` and `reused` say something about the session. */
export type RotationOutcome =
  'rotated' | 'repeated' | 'reused' | 'revoked' | 'expired' | 'banned' | 'mismatched' | 'unverified';

/** The answer of {@link RefreshTokenRepository.rotate}. */
export interface Rotation {
  readonly outcome: RotationOutcome;
  /** The salt that the successor derives from: the given one, or on a repeat the one that the winner stored. */
  readonly salt: Buffer;
  readonly sessionId: string;
  readonly amr: string[];
  readonly acr: string;
  readonly sessionCreatedAt: Date;
  /** The absolute end of the session. */
  readonly sessionExpiresAt: Date;
  /** When the successor expires if it is not used. */
  readonly successorExpiresAt: Date;
  /** No repeat of the token is in the audit log. */
  readonly unaudited: boolean;
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
  readonly traits: ClientTraits;
  /** The session that the client's other cookies name, if there are any. */
  readonly expectedSessionId: string | undefined;
  /** A browser sent the token without the session mark. Only the first token of a session with `mark_pending` may come that way. */
  readonly unmarked: boolean;
  /** Whether a session is left unchanged, without a new token, if the address of its user is not verified. */
  readonly requireVerifiedEmail: boolean;
}

/** A token that is known, and its session. */
export interface KnownToken {
  readonly hash: Buffer;
  readonly sessionId: string;
  readonly userId: string;
  /** The session has neither ended nor expired. */
  readonly live: boolean;
}

/** How a token that is presented at a logout is judged. */
export interface LogoutJudgement {
  readonly sessionId: string;
  readonly userId: string;
  /** The token was rotated, and this is no lossless repeat. */
  readonly stolen: boolean;
}

/** Whether a rotated token may be repeated. `$now` is a parameter such as `$4`. */
const inWindow = (now: string): string =>
  `token.successor_salt IS NOT NULL AND token.rotated_at >= ${now}::timestamptz - make_interval(secs => ${REPEAT_WINDOW_SECONDS})`;

/** Whether network AND device are known and differ from the values of the request that rotated the token. */
const elsewhere = (network: string, device: string): string =>
  `coalesce(token.rotated_network <> ${network}::bytea AND token.rotated_device <> ${device}::bytea, false)`;

/*
 * One statement, so that a crash leaves all of it or nothing.
 *
 * `token` locks the presented row. A racer waits there and then reads the winner's version of that row (READ COMMITTED
 * re-evaluates locked rows), so everything that decides between "rotated", "repeated" and "reused" stands in that one row: the
 * use of a successor is noted in its predecessor, by clearing the salt. Locks are taken from the newer token to the older one
 * only, so rotations cannot deadlock. The session comes before its tokens: the foreign key of the successor locks it in any case,
 * and a deletion, which locks the session before its tokens, would wait for a rotation that waits for the deletion.
 */
const ROTATE = prepared(
  'rotate_refresh_token',
  `
  WITH token AS (
    SELECT t.token_hash, t.session_id, t.expires_at, t.rotated_at, t.successor_salt, t.predecessor_hash,
      t.rotated_network, t.rotated_device, t.repeated_at
    FROM (
      SELECT id FROM authfort_sessions
      WHERE id = (SELECT session_id FROM authfort_refresh_tokens WHERE token_hash = $1) FOR KEY SHARE
    ) AS of_session
    JOIN authfort_refresh_tokens t ON t.session_id = of_session.id WHERE t.token_hash = $1 FOR UPDATE OF t
  ), judged AS (
    SELECT token.token_hash, token.predecessor_hash, token.session_id, s.user_id, s.amr, s.acr, s.created_at, s.expires_at AS session_ends,
      LEAST(coalesce(token.rotated_at, $4::timestamptz) + make_interval(secs => $5), s.expires_at) AS successor_ends,
      token.repeated_at IS NULL AS unaudited,
      CASE WHEN token.rotated_at IS NULL THEN $2::bytea ELSE token.successor_salt END AS salt,
      CASE
        WHEN u.banned THEN 'banned'
        WHEN s.revoked_at IS NOT NULL OR s.version < u.sessions_from OR u.deleted_at IS NOT NULL THEN 'revoked'
        WHEN s.expires_at <= $4 OR (token.expires_at <= $4 AND NOT in_window) THEN 'expired'
        WHEN token.rotated_at IS NOT NULL AND (NOT in_window OR elsewhere) THEN 'reused'
        WHEN $6::uuid <> token.session_id THEN 'mismatched'
        WHEN $9::boolean AND NOT (s.mark_pending AND token.predecessor_hash IS NULL) THEN 'mismatched'
        WHEN $10::boolean AND NOT u.email_verified THEN 'unverified'
        WHEN in_window THEN 'repeated'
        ELSE 'rotated'
      END AS outcome
    FROM token
    CROSS JOIN LATERAL (SELECT ${inWindow('$4')} AS in_window, ${elsewhere('$7', '$8')} AS elsewhere) AS repeat
    JOIN authfort_sessions s ON s.id = token.session_id
    JOIN authfort_users u ON u.id = s.user_id
  ), spent AS (
    UPDATE authfort_refresh_tokens t SET rotated_at = $4, successor_salt = $2, rotated_network = $7, rotated_device = $8
    FROM judged WHERE judged.outcome = 'rotated' AND t.token_hash = judged.token_hash
  ), settled AS (
    UPDATE authfort_refresh_tokens t SET successor_salt = NULL, rotated_network = NULL, rotated_device = NULL
    FROM judged WHERE judged.outcome = 'rotated' AND t.token_hash = judged.predecessor_hash
  ), successor AS (
    INSERT INTO authfort_refresh_tokens (token_hash, session_id, issued_at, expires_at, predecessor_hash)
    SELECT $3, session_id, $4, successor_ends, token_hash
    FROM judged WHERE outcome = 'rotated'
  )
  SELECT judged.outcome, judged.salt, judged.session_id AS "sessionId", judged.amr, judged.acr, judged.created_at AS "sessionCreatedAt",
    judged.session_ends AS "sessionExpiresAt", judged.successor_ends AS "successorExpiresAt", judged.unaudited,
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
      request.traits.network,
      request.traits.device,
      request.unmarked,
      request.requireVerifiedEmail,
    ]);
    if (!row) return undefined;
    const { outcome, salt, sessionId, amr, acr, sessionCreatedAt, ...rest } = row;
    const { sessionExpiresAt, successorExpiresAt, unaudited, ...user } = rest;
    const session = { sessionId, amr, acr, sessionCreatedAt, sessionExpiresAt };
    return { outcome, salt, ...session, successorExpiresAt, unaudited, user };
  }

  /** Claims the one audit entry on the repeats of a token. Call it in the transaction that writes the entry. @returns false: it exists */
  async claimRepeat(tokenHash: Buffer, now: Date): Promise<boolean> {
    const rows = await this.database.query(
      `UPDATE authfort_refresh_tokens SET repeated_at = $2 WHERE token_hash = $1 AND repeated_at IS NULL RETURNING 1`,
      [tokenHash, now],
    );
    return rows.length > 0;
  }

  /** The tokens among the given ones that are known; the newest of each session comes before its predecessors. */
  findKnown(tokenHashes: readonly Buffer[], now: Date): Promise<KnownToken[]> {
    return this.database.query<KnownToken>(
      `SELECT t.token_hash AS hash, t.session_id AS "sessionId", s.user_id AS "userId", ${IS_NOT_REVOKED} AND s.expires_at > $2 AS live
       FROM authfort_refresh_tokens t JOIN authfort_sessions s ON s.id = t.session_id JOIN authfort_users u ON u.id = s.user_id
       WHERE t.token_hash = ANY($1::bytea[])
       ORDER BY t.rotated_at IS NULL DESC, t.issued_at DESC`,
      [tokenHashes, now],
    );
  }

  /**
   * Judges a token that is presented at a logout. It takes no lock: a token that counts as stolen never ceases to.
   * An expired token is judged as well, since a logout ends its session in any case.
   */
  async judgeLogout(
    tokenHash: Buffer,
    { network, device }: ClientTraits,
    now: Date,
  ): Promise<LogoutJudgement | undefined> {
    const [found] = await this.database.query<LogoutJudgement>(
      `SELECT s.id AS "sessionId", s.user_id AS "userId",
         token.rotated_at IS NOT NULL AND (NOT (${inWindow('$2')}) OR ${elsewhere('$3', '$4')}) AS stolen
       FROM authfort_refresh_tokens token JOIN authfort_sessions s ON s.id = token.session_id WHERE token.token_hash = $1`,
      [tokenHash, now, network, device],
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
