import { Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { ReplicaSignal } from '../database/replica-signal.js';

/** The 300 s that a service may tolerate at most, and slack for clocks that differ (seconds). */
const MARGIN_SECONDS = 360;
/** A key that was compromised can sign tokens that live as long as its holder likes; services keep keys for a year at most. */
const KEY_SECONDS = 366 * 86_400;
const TRANSACTION = 'pg_current_xact_id()::text::bigint';
/** The longest access token under way, whatever the process that revokes knows of the server's settings. */
const LAST_TOKEN_ENDS = `make_interval(secs => ${MARGIN_SECONDS} +
  (SELECT coalesce(max(token_ttl_seconds), 900) FROM authfort_signing_keys))`;

/**
 * The part of a statement that writes the entries about ended sessions to the feed, for a statement that does more than end them.
 * @param ended name of a CTE with the column `id`
 * @param now parameter such as `$4`
 */
export const logEndedSessions = (ended: string, now: string): string =>
  `INSERT INTO authfort_revocations (transaction_id, session_id, revoked_at, expires_at)
   SELECT ${TRANSACTION}, id, ${now}::timestamptz, ${now}::timestamptz + ${LAST_TOKEN_ENDS} FROM ${ended}`;

/**
 * Ends access, and writes down for the services that it has ended: in the same statement, so that neither happens without the other.
 * Whatever changes `token_version` or `revoked_at` goes through here.
 */
@Injectable()
export class RevocationLogRepository {
  constructor(
    private readonly database: Database,
    private readonly signal: ReplicaSignal,
    private readonly clock: Clock,
  ) {}

  /**
   * @param statement changes or deletes users, with `RETURNING id, token_version` of what is still good
   * @returns how many there were
   */
  endUsers(statement: string, parameters: readonly unknown[]): Promise<number> {
    return this.append(statement, parameters, 'user_id, token_version', 'id, token_version');
  }

  /**
   * Ends all sessions of a user by one entry.
   * @param statement changes the user, with `RETURNING id, token_version, kept_session_id, kept_tokens_from`: the session that stays,
   * and the lowest version of its tokens that do; both null where none stays
   * @returns how many users there were
   */
  endUserExcept(statement: string, parameters: readonly unknown[]): Promise<number> {
    const kept = 'kept_session_id, kept_tokens_from';
    return this.append(
      statement,
      parameters,
      `user_id, token_version, ${kept}`,
      `id, token_version, ${kept}`,
    );
  }

  /**
   * @param statement revokes sessions, with `RETURNING id, user_id`
   * @returns the owner of one of them, or undefined where there was none; and how many there were
   */
  async endSessions(
    statement: string,
    parameters: readonly unknown[],
  ): Promise<{ count: number; userId: string | undefined }> {
    const [ended] = await this.run<{ count: number; userId: string | null }>(
      `${this.logged(statement, parameters, 'session_id', 'id')}
       SELECT count(*)::int AS count, min(user_id::text) AS "userId" FROM ended`,
      parameters,
    );
    return { count: ended!.count, userId: ended!.userId ?? undefined };
  }

  /** Writes down that tokens of a key are dead. Call it in the transaction that deletes the key. */
  async endKey(kid: string): Promise<void> {
    const now = this.clock.now();
    await this.database.query(
      `INSERT INTO authfort_revocations (transaction_id, kid, revoked_at, expires_at)
       VALUES (${TRANSACTION}, $1, $2, $2::timestamptz + make_interval(secs => ${KEY_SECONDS}))`,
      [kid, now],
    );
    this.signal.announce('access');
  }

  /** Wakes the readers of the feed after the commit of a statement with {@link logEndedSessions}. */
  announce(): void {
    this.signal.announce('access');
  }

  /** Deletes at most `limit` rows that matter no more. */
  async deleteExpired(now: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `DELETE FROM authfort_revocations WHERE id IN
         (SELECT id FROM authfort_revocations WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING 1`,
      [now, limit],
    );
    return rows.length;
  }

  private async append(
    statement: string,
    parameters: readonly unknown[],
    into: string,
    from: string,
  ): Promise<number> {
    const [ended] = await this.run<{ count: number }>(
      `${this.logged(statement, parameters, into, from)} SELECT count(*)::int AS count FROM ended`,
      parameters,
    );
    return ended!.count;
  }

  private logged(statement: string, { length }: readonly unknown[], into: string, from: string): string {
    const now = `$${length + 1}::timestamptz`;
    return `WITH ended AS (${statement}), logged AS (
      INSERT INTO authfort_revocations (transaction_id, ${into}, revoked_at, expires_at)
      SELECT ${TRANSACTION}, ${from}, ${now}, ${now} + ${LAST_TOKEN_ENDS} FROM ended)`;
  }

  private async run<Row extends { count: number }>(
    sql: string,
    parameters: readonly unknown[],
  ): Promise<Row[]> {
    const rows = await this.database.query<Row>(sql, [...parameters, this.clock.now()]);
    if (rows[0]!.count > 0) this.signal.announce('access');
    return rows;
  }
}
