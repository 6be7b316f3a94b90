import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

/** One line of the audit log. */
export interface AuditEntry {
  /** Rises with time; a text, for it may be larger than a number holds. */
  readonly id: string;
  readonly at: Date;
  /** The event's name. */
  readonly action: string;
  /** Who did it. Null: the server itself, the command line, or nobody known. */
  readonly actorId: string | null;
  /** Whom it concerns. */
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  /**
   * How often it happened within its minute. More than 1 only for events that a client can repeat without limit; `at`, `ip` and `userAgent`
   * describe the first time.
   */
  readonly repeats: number;
}

/** Which entries to read; all that is given has to hold. */
export interface AuditFilter {
  readonly userId?: string;
  readonly actorId?: string;
  readonly action?: string;
  /** At this time or later. */
  readonly from?: Date;
  /** Before this time. */
  readonly to?: Date;
  /** Only entries older than the one with this id. */
  readonly before?: string;
}

/** Reads the audit log. It is written by the {@link EventLogRepository}. */
@Injectable()
export class AuditLogRepository {
  constructor(private readonly database: Database) {}

  /** The newest first. Each condition that is there has an index. */
  list(filter: AuditFilter, limit: number): Promise<AuditEntry[]> {
    const values: unknown[] = [limit];
    const where = CONDITIONS.flatMap(([key, condition]) => {
      if (filter[key] === undefined) return [];
      values.push(filter[key]);
      return [condition.replace('?', `$${values.length}`)];
    });
    return this.database.query<AuditEntry>(
      `SELECT id::text AS id, at, action, actor_id AS "actorId", user_id AS "userId", session_id AS "sessionId", ip,
         user_agent AS "userAgent", repeats,
         detail || jsonb_strip_nulls(jsonb_build_object('oldEmail', old_email, 'newEmail', new_email)) AS detail
       FROM authfort_audit_log e ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''}
       ORDER BY e.id DESC LIMIT $1`,
      values,
    );
  }

  /** Deletes at most `limit` entries from before `cutoff`, the oldest first. The log's trigger refuses changes, not this. */
  async deleteOlder(cutoff: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `DELETE FROM authfort_audit_log WHERE id IN (SELECT id FROM authfort_audit_log WHERE at < $1 ORDER BY at LIMIT $2)
       RETURNING 1`,
      [cutoff, limit],
    );
    return rows.length;
  }
}

const CONDITIONS: readonly (readonly [keyof AuditFilter, string])[] = [
  ['userId', 'user_id = ?::uuid'],
  ['actorId', 'actor_id = ?::uuid'],
  ['action', 'action = ?'],
  ['from', 'at >= ?'],
  ['to', 'at < ?'],
  ['before', 'e.id < ?::bigint'],
];
