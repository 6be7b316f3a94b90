import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { inBatches } from '../database/in-batches.js';
import { prepared } from '../database/prepared-statement.js';

/** An event as it is written down: for the consumers that want it at least once, and for the audit log. */
export interface LoggedEvent {
  readonly id: string;
  readonly name: string;
  readonly at: Date;
  readonly userId: string | null;
  readonly payload: object;
  /** Null where the audit log does not have it. */
  readonly audit: {
    readonly actorId: string | null;
    readonly sessionId: string | null;
    readonly ip: string | null;
    readonly userAgent: string | null;
    readonly detail: object;
    /** Both addresses of a change of address, in columns that can be erased. */
    readonly oldEmail: string | null;
    readonly newEmail: string | null;
    /** See {@link repeatKeyOf}. */
    readonly repeatKey: string | null;
  } | null;
}

const WRITE = prepared(
  'write_events',
  `WITH event AS (
     SELECT *, decode("repeatKey", 'hex') AS repeat_key
     FROM jsonb_to_recordset($1::jsonb) AS e(id uuid, name text, at timestamptz, "userId" uuid, payload jsonb,
       audited boolean, "actorId" uuid, "sessionId" uuid, ip text, "userAgent" text, detail jsonb,
       "oldEmail" text, "newEmail" text, "repeatKey" text, repeats integer)
   ), audited AS (
     INSERT INTO authfort_audit_log AS a
       (at, action, actor_id, user_id, session_id, ip, user_agent, detail, old_email, new_email, repeat_key, repeats)
     SELECT at, name, "actorId", "userId", "sessionId", ip, "userAgent", detail, "oldEmail", "newEmail", repeat_key, repeats
     FROM event WHERE audited
     ON CONFLICT (repeat_key) WHERE repeat_key IS NOT NULL DO UPDATE SET repeats = a.repeats + excluded.repeats
     RETURNING a.repeat_key, a.repeats
   )
   INSERT INTO authfort_outbox (id, event_id, event, consumer, user_id, payload, created_at, due_at)
   SELECT gen_random_uuid(), event.id, event.name, c.consumer, event."userId", event.payload, event.at, event.at
   FROM event JOIN authfort_outbox_consumers c ON c.event = event.name
   WHERE event.repeat_key IS NULL
     OR EXISTS (SELECT 1 FROM audited a WHERE a.repeat_key = event.repeat_key AND a.repeats = event.repeats)`,
);

/** Writes events down, in the transaction of what they tell of. */
@Injectable()
export class EventLogRepository {
  constructor(private readonly database: Database) {}

  /**
   * One statement for all events of a transaction: their audit entries, and a row in the outbox for each consumer. A repeat raises the
   * count of the first one's entry and has no rows.
   */
  async write(events: readonly LoggedEvent[]): Promise<void> {
    const rows = merged(events).map(({ audit, ...event }) => ({
      ...event,
      audited: audit !== null,
      ...audit,
    }));
    await this.database.execute(WRITE, [JSON.stringify(rows)]);
  }

  /**
   * Removes network addresses and user agents from entries whose actor is the user or unknown; entries of administrators keep theirs.
   * Removes the user's e-mail addresses, the present and earlier ones, from all entries, also from entries about another account.
   */
  async redact(userId: string, email: string): Promise<void> {
    await this.redactClients('actor_id = $1', userId);
    await this.redactClients('user_id = $1 AND actor_id IS NULL', userId);
    // Ordered by id: two concurrent erasures then wait for one another and do not deadlock.
    await this.database.query(
      `WITH address AS (
         SELECT $2 AS email
         UNION SELECT old_email FROM authfort_audit_log WHERE user_id = $1 AND old_email IS NOT NULL
         UNION SELECT new_email FROM authfort_audit_log WHERE user_id = $1 AND new_email IS NOT NULL
       ), entry AS (
         SELECT id FROM authfort_audit_log WHERE id = ANY(ARRAY(
           SELECT id FROM authfort_audit_log WHERE old_email = ANY(ARRAY(SELECT email FROM address))
           UNION SELECT id FROM authfort_audit_log WHERE new_email = ANY(ARRAY(SELECT email FROM address))
         )) ORDER BY id FOR UPDATE
       )
       UPDATE authfort_audit_log e SET
         old_email = CASE WHEN e.old_email = ANY(ARRAY(SELECT email FROM address)) THEN NULL ELSE e.old_email END,
         new_email = CASE WHEN e.new_email = ANY(ARRAY(SELECT email FROM address)) THEN NULL ELSE e.new_email END
       FROM entry WHERE e.id = entry.id`,
      [userId, email],
    );
  }

  /** In batches, along the index of the ids: strangers can cause any number of entries. @param whose a condition that has an index with the id */
  private async redactClients(whose: string, userId: string): Promise<void> {
    let after = '0';
    await inBatches(async (rows) => {
      const [batch] = await this.database.query<{ count: number; last: string | null }>(
        `WITH entry AS (
           SELECT id FROM authfort_audit_log WHERE ${whose} AND id > $2::bigint AND (ip IS NOT NULL OR user_agent IS NOT NULL)
           ORDER BY id LIMIT $3 FOR UPDATE
         ), redacted AS (
           UPDATE authfort_audit_log e SET ip = NULL, user_agent = NULL, repeat_key = NULL FROM entry WHERE e.id = entry.id
         )
         SELECT count(*)::int AS count, max(id)::text AS last FROM entry`,
        [userId, after, rows],
      );
      after = batch!.last ?? after;
      return batch!.count;
    });
  }
}

/** One statement can write each key once. */
function merged(events: readonly LoggedEvent[]): (LoggedEvent & { repeats: number })[] {
  const byKey = new Map<string, LoggedEvent & { repeats: number }>();
  for (const event of events) {
    const key = event.audit?.repeatKey ?? event.id;
    const first = byKey.get(key);
    if (first) first.repeats += 1;
    else byKey.set(key, { ...event, repeats: 1 });
  }
  return [...byKey.values()];
}
