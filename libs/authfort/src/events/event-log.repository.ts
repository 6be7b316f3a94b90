import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
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
    /** See {@link repeatKeyOf}. */
    readonly repeatKey: string | null;
  } | null;
}

const WRITE = prepared(
  'write_events',
  `WITH event AS (
     SELECT *, decode("repeatKey", 'hex') AS repeat_key
     FROM jsonb_to_recordset($1::jsonb) AS e(id uuid, name text, at timestamptz, "userId" uuid, payload jsonb,
       audited boolean, "actorId" uuid, "sessionId" uuid, ip text, "userAgent" text, detail jsonb, "repeatKey" text, repeats integer)
   ), audited AS (
     INSERT INTO authfort_audit_log AS a (at, action, actor_id, user_id, session_id, ip, user_agent, detail, repeat_key, repeats)
     SELECT at, name, "actorId", "userId", "sessionId", ip, "userAgent", detail, repeat_key, repeats FROM event WHERE audited
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

  /** Takes addresses and user agents out of what a user did, and of what nobody known did to them. Those of administrators stay. */
  async redact(userId: string): Promise<void> {
    await this.database.query(
      `UPDATE authfort_audit_log SET ip = NULL, user_agent = NULL, repeat_key = NULL
       WHERE (actor_id = $1 OR user_id = $1 AND actor_id IS NULL) AND (ip IS NOT NULL OR user_agent IS NOT NULL)`,
      [userId],
    );
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
