import { prepared } from '../database/prepared-statement.js';
import { logEndedSessions } from '../revocation/revocation-log.repository.js';

/** Of a session `s` and its user `u`. A session can also end by the user's row: see `AllSessionsRepository`. */
export const IS_NOT_REVOKED = 's.revoked_at IS NULL AND s.version >= u.sessions_from';

/** Sessions that one sign-in ends at most. More are over the limit only after the option was lowered; the next sign-ins end them. */
const MOST_ENDED = 1000;

/*
 * The transaction has locked the user before, so sign-ins of one user run one after the other, and each sees the sessions of the one
 * before. A session that another statement is ending is skipped: to wait for it could be a deadlock. `live` is at most as many sessions as
 * one sign-in can end and keep, the oldest, so the look-ups of tokens are bounded for a user with any number of sessions.
 */
export const OPEN_SESSION = prepared(
  'open_session',
  `WITH session AS (
     INSERT INTO authfort_sessions (id, user_id, amr, created_at, expires_at, ip, user_agent, version, acr)
     VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce((SELECT token_version FROM authfort_users WHERE id = $2), 0), $11)
     RETURNING id, created_at
   ), token AS (
     INSERT INTO authfort_refresh_tokens (token_hash, session_id, issued_at, expires_at)
     SELECT $8, id, created_at, $9 FROM session
   ), live AS MATERIALIZED (
     SELECT s.id, s.created_at FROM authfort_sessions s JOIN authfort_users u ON u.id = s.user_id
     WHERE s.user_id = $2 AND ${IS_NOT_REVOKED} AND s.expires_at > $4
     ORDER BY s.created_at, s.id LIMIT $10::int - 1 + ${MOST_ENDED}
   ), excess AS (
     SELECT s.id FROM live s WHERE (SELECT count(*) FROM live) >= $10::int
     ORDER BY (SELECT max(t.issued_at) FROM authfort_refresh_tokens t WHERE t.session_id = s.id) DESC NULLS LAST, s.created_at DESC, s.id
     OFFSET $10::int - 1 LIMIT ${MOST_ENDED}
   ), ended AS (
     UPDATE authfort_sessions SET revoked_at = $4, revoked_reason = 'session_limit'
     WHERE id = ANY(ARRAY(
       SELECT s.id FROM authfort_sessions s WHERE s.id = ANY(ARRAY(SELECT id FROM excess)) AND s.revoked_at IS NULL
       FOR NO KEY UPDATE SKIP LOCKED
     )) RETURNING id
   ), logged AS (
     ${logEndedSessions('ended', '$4')}
   )
   SELECT id FROM ended`,
);

/** The SQL of `Session.lastSeenAt` for the row `session`. `now`: a parameter such as `$2`. */
export const lastSeenAt = (session: string, now: string): string =>
  `date_trunc('hour', coalesce((
     SELECT t.issued_at FROM authfort_refresh_tokens t
     WHERE t.session_id = ${session}.id AND t.issued_at < date_trunc('hour', ${now}::timestamptz, 'UTC')
     ORDER BY t.issued_at DESC LIMIT 1), ${session}.created_at), 'UTC')`;
