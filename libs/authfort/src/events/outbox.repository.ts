import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

/** One thing to do, claimed by this process. */
export interface OutboxItem {
  readonly id: string;
  readonly eventId: string;
  readonly event: string;
  readonly consumer: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  /** This one included. */
  readonly attempts: number;
}

/** A claim of one process. A later claim has another number of attempts, so that who has lost the row changes nothing about it. */
export type Claim = Pick<OutboxItem, 'id' | 'attempts'>;

/** A consumer that may be given something to do. */
export interface FreeConsumer {
  readonly consumer: string;
  /** How many rows it may take. */
  readonly room: number;
  /** The events that this server has it for; null: all. Others wait for a server that knows them. */
  readonly events: readonly string[] | null;
}

/** What was given up. */
export interface DeadLetter {
  readonly id: string;
  readonly eventId: string;
  readonly event: string;
  readonly consumer: string;
  readonly userId: string | null;
  readonly createdAt: Date;
  readonly deadAt: Date;
  readonly attempts: number;
  readonly error: string | null;
}

/** Consumer of the mails that anybody can request, until they are sorted. */
export const REQUESTED_MAILS = 'mail:requested';

/** Dead letters that are kept. */
const DEAD_LETTERS = 100_000;

/** Twice the time between two calls of {@link OutboxRepository.subscribe}. */
const UNWANTED_AFTER_SECONDS = 7200;

/** What is still to be done after commits. Several replicas claim from it, each row by one of them. */
@Injectable()
export class OutboxRepository {
  /** Tests need fewer. */
  mostDeadLetters = DEAD_LETTERS;

  constructor(private readonly database: Database) {}

  /** Writes a job down; in a transaction, it stands or falls with that. */
  async insert(
    job: { consumer: string; event: string; userId: string | null; payload: object },
    now: Date,
  ): Promise<void> {
    await this.database.query(
      `INSERT INTO authfort_outbox (id, event_id, event, consumer, user_id, payload, created_at, due_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`,
      [randomUUID(), randomUUID(), job.event, job.consumer, job.userId, JSON.stringify(job.payload), now],
    );
  }

  /**
   * Says that this server has these consumers, and which events they want. What none of the servers that have a consumer has wanted for
   * {@link UNWANTED_AFTER_SECONDS} is no longer written down for it; not at once, because replicas of two versions may disagree.
   */
  async subscribe(consumers: readonly { consumer: string; event: string }[], now: Date): Promise<void> {
    const names = [...new Set(consumers.map(({ consumer }) => consumer))];
    await this.database.query(
      `WITH wanted AS (SELECT DISTINCT * FROM jsonb_to_recordset($1::jsonb) AS w(consumer text, event text)),
       gone AS (
         DELETE FROM authfort_outbox_consumers c
         WHERE c.consumer = ANY($2) AND c.seen_at < $3::timestamptz - make_interval(secs => ${UNWANTED_AFTER_SECONDS})
           AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.consumer = c.consumer AND w.event = c.event)
       )
       INSERT INTO authfort_outbox_consumers (consumer, event, seen_at)
       SELECT consumer, event, $3 FROM wanted ORDER BY consumer, event
       ON CONFLICT (consumer, event) DO UPDATE SET seen_at = GREATEST(authfort_outbox_consumers.seen_at, EXCLUDED.seen_at)`,
      [JSON.stringify(consumers), names, now],
    );
  }

  /**
   * Takes rows that are due, for each consumer as many as it has room for, each row for one process only. Until `leaseUntil` nobody else
   * takes them; a process that dies leaves them to the others then. Rows of consumers that nobody has cost the search nothing.
   * @param busy rows that this process still works at
   */
  claim(
    free: readonly FreeConsumer[],
    now: Date,
    leaseUntil: Date,
    busy: readonly string[],
  ): Promise<OutboxItem[]> {
    return this.database.query<OutboxItem>(
      `UPDATE authfort_outbox SET due_at = $3, attempts = attempts + 1
       WHERE id = ANY(ARRAY(
         SELECT due.id
         FROM jsonb_to_recordset($1::jsonb) AS f(consumer text, room int, events text[])
         CROSS JOIN LATERAL (
           SELECT o.id FROM authfort_outbox o
           WHERE o.consumer = f.consumer AND o.dead_at IS NULL AND o.due_at <= $2 AND o.id <> ALL($4::uuid[])
             AND (f.events IS NULL OR o.event = ANY(f.events))
           ORDER BY o.due_at LIMIT f.room FOR UPDATE SKIP LOCKED) AS due))
       RETURNING id, event_id AS "eventId", event, consumer, payload, created_at AS "createdAt", attempts`,
      [JSON.stringify(free), now, leaseUntil, busy],
    );
  }

  /** Keeps what is still claimed by this process. */
  async extend(claims: readonly Claim[], leaseUntil: Date): Promise<void> {
    const rows = claims.map(({ id, attempts }) => ({ id, attempts }));
    await this.database.query(
      `UPDATE authfort_outbox o SET due_at = $2 FROM jsonb_to_recordset($1::jsonb) AS c(id uuid, attempts int)
       WHERE o.id = c.id AND o.attempts = c.attempts AND o.dead_at IS NULL`,
      [JSON.stringify(rows), leaseUntil],
    );
  }

  async done(id: string): Promise<void> {
    await this.database.query('DELETE FROM authfort_outbox WHERE id = $1', [id]);
  }

  async retryAt({ id, attempts }: Claim, dueAt: Date, error: string): Promise<void> {
    await this.database.query(
      'UPDATE authfort_outbox SET due_at = $3, error = $4 WHERE id = $1 AND attempts = $2 AND dead_at IS NULL',
      [id, attempts, dueAt, error],
    );
  }

  async bury({ id, attempts }: Claim, now: Date, error: string): Promise<void> {
    await this.database.query(
      'UPDATE authfort_outbox SET dead_at = $3, error = $4 WHERE id = $1 AND attempts = $2 AND dead_at IS NULL',
      [id, attempts, now, error],
    );
  }

  /** The latest first; `before`: the last one of the page before, which may be gone by now. */
  deadLetters(limit: number, before?: Pick<DeadLetter, 'id' | 'deadAt'>): Promise<DeadLetter[]> {
    return this.database.query<DeadLetter>(
      `SELECT id, event_id AS "eventId", event, consumer, user_id AS "userId", created_at AS "createdAt", dead_at AS "deadAt",
         attempts, error
       FROM authfort_outbox
       WHERE dead_at IS NOT NULL
         AND ($2::timestamptz IS NULL OR (dead_at, id) < ($2::timestamptz, $3::uuid))
       ORDER BY dead_at DESC, id DESC LIMIT $1`,
      [limit, before?.deadAt ?? null, before?.id ?? null],
    );
  }

  /** Gives a dead letter another row of attempts. @returns undefined when there is none of that id */
  async revive(
    id: string,
    now: Date,
  ): Promise<Pick<DeadLetter, 'consumer' | 'event' | 'userId'> | undefined> {
    const [revived] = await this.database.query<Pick<DeadLetter, 'consumer' | 'event' | 'userId'>>(
      `UPDATE authfort_outbox SET dead_at = NULL, error = NULL, attempts = 0, due_at = $2 WHERE id = $1 AND dead_at IS NOT NULL
       RETURNING consumer, event, user_id AS "userId"`,
      [id, now],
    );
    return revived;
  }

  /**
   * Deletes at most `limit` dead letters: those from before `cutoff`, and those beyond the newest {@link DEAD_LETTERS}. Each statement reads
   * that many entries of the index at most, however many dead letters there are.
   */
  async deleteDead(cutoff: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `DELETE FROM authfort_outbox WHERE dead_at IS NOT NULL AND id = ANY(ARRAY(
         SELECT id FROM authfort_outbox
         WHERE dead_at IS NOT NULL AND dead_at <= GREATEST($1::timestamptz - interval '1 microsecond', (
           SELECT dead_at FROM authfort_outbox WHERE dead_at IS NOT NULL ORDER BY dead_at DESC, id DESC OFFSET $3 LIMIT 1))
         ORDER BY dead_at LIMIT $2 FOR UPDATE SKIP LOCKED))
       RETURNING 1`,
      [cutoff, limit, this.mostDeadLetters],
    );
    return rows.length;
  }

  /** Forgets at most `limit` subscriptions that no server has renewed since `cutoff`. */
  async deleteConsumers(cutoff: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `DELETE FROM authfort_outbox_consumers WHERE (consumer, event) IN
         (SELECT consumer, event FROM authfort_outbox_consumers WHERE seen_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING 1`,
      [cutoff, limit],
    );
    return rows.length;
  }

  /** Deletes at most `limit` rows that were due before `cutoff` and that no consumer wants. */
  async deleteUnwanted(cutoff: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `DELETE FROM authfort_outbox WHERE id IN
         (SELECT id FROM authfort_outbox o WHERE dead_at IS NULL AND due_at < $1
            AND NOT EXISTS (SELECT 1 FROM authfort_outbox_consumers c WHERE c.consumer = o.consumer AND c.event = o.event)
          LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING 1`,
      [cutoff, limit],
    );
    return rows.length;
  }
}
