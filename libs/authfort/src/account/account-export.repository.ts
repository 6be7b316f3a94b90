import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { lastSeenAt } from '../sessions/session-statements.js';

/** What the tables hold on a user, as JSON has it: dates in ISO 8601. */
export interface StoredAboutUser {
  readonly has_password: boolean;
  readonly earlier_passwords: number;
  readonly sessions: readonly object[];
  readonly links: readonly object[];
  readonly audit_log: readonly object[];
  readonly pending_deliveries: readonly object[];
}

/** Entries of the audit log, and deliveries, the newest of which are handed out: strangers can cause any number of them. */
const MOST = 10_000;

/** Reads everything that the tables hold on a user, but for what is secret even to them: hashes. */
@Injectable()
export class AccountExportRepository {
  constructor(private readonly database: Database) {}

  async read(userId: string, email: string, now: Date): Promise<StoredAboutUser> {
    const [found] = await this.database.query<StoredAboutUser>(
      `SELECT u.password_hash IS NOT NULL AS has_password,
         (SELECT count(*)::integer FROM authfort_password_history h WHERE h.user_id = u.id) AS earlier_passwords,
         ${listOf(`id, amr, created_at, expires_at, revoked_at, revoked_reason, ip, user_agent,
           ${lastSeenAt('s', '$3')} AS last_seen_at
           FROM (SELECT * FROM authfort_sessions WHERE user_id = u.id ORDER BY created_at DESC LIMIT ${MOST}) AS s
           ORDER BY created_at, id`)} AS sessions,
         ${listOf(`purpose, email, created_at, expires_at
           FROM authfort_one_time_tokens WHERE (user_id = u.id OR email = $2) AND purpose <> 'email_change' ORDER BY created_at`)} AS links,
         ${listOf(`at, action, actor_id, user_id, session_id, ${DETAIL}, repeats, ${ofTheirOwn('ip')}, ${ofTheirOwn('user_agent')}
           FROM authfort_audit_log WHERE (user_id = u.id OR actor_id = u.id) AND ${notOfAFreshRefresh('action', 'at')} ORDER BY id DESC LIMIT ${MOST}`)} AS audit_log,
         ${listOf(`event, consumer, created_at, dead_at, payload
           FROM authfort_outbox WHERE (user_id = u.id OR u.email_verified AND payload->>'email' = $2)
             AND ${notOfAFreshRefresh('event', 'created_at')}
           ORDER BY created_at DESC LIMIT ${MOST}`)} AS pending_deliveries
       FROM authfort_users u WHERE u.id = $1`,
      [userId, email, now],
    );
    return found!;
  }
}

/** With the addresses of a change of the user's own address. Addresses that an administrator gave to other accounts are left out. */
const DETAIL = `detail || CASE WHEN user_id = u.id
  THEN jsonb_strip_nulls(jsonb_build_object('old_email', old_email, 'new_email', new_email)) ELSE '{}' END AS detail`;
/** Leaves the refreshes of the present hour out: a thief with an access token would learn when to repeat a refresh token. */
function notOfAFreshRefresh(name: string, at: string): string {
  return `(${name} NOT IN ('token_refreshed', 'refresh_token_repeated') OR ${at} < date_trunc('hour', $3::timestamptz, 'UTC'))`;
}

/**
 * An administrator's address is not the user's to know; nor is that of nobody known, as long as the user has not shown that the
 * account's address is theirs: it would be that of the address's owner.
 */
function ofTheirOwn(column: string): string {
  return `CASE WHEN actor_id = u.id OR actor_id IS NULL AND u.email_verified THEN ${column} END AS ${column}`;
}

function listOf(select: string): string {
  return `(SELECT coalesce(jsonb_agg(to_jsonb(row)), '[]') FROM (SELECT ${select}) AS row)`;
}
