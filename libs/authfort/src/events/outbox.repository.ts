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

/** What is still to be done after commits. Several replicas claim from it, each row by one of them. */
@Injectable()
export class OutboxRepository {
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

  /** Says that this server has these consumers, and which events they want. What a consumer no longer wants is forgotten. */
  async subscribe(consumers: readonly { consumer: string; event: string }[], now: Date): Promise<void> {
    const names = [...new Set(consumers.map(({ consumer }) => consumer))];
    await this.database.query(
      `WITH wanted AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS w(consumer text, event text)),
       gone AS (
         DELETE FROM authfort_outbox_consumers c WHERE c.consumer = ANY($2)
           AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.consumer = c.consumer AND w.event = c.event)
       )
       INSERT INTO authfort_outbox_consumers (consumer, event, seen_at)
       SELECT DISTINCT consumer, event, $3::timestamptz FROM wanted ORDER BY consumer, event
       ON CONFLICT (consumer, event) DO UPDATE SET seen_at = GREATEST(authfort_outbox_consumers.seen_at, EXCLUDED.seen_at)`,
      [JSON.stringify(consumers), names, now],
    );
  }

  /**
   * Takes at most `limit` rows that are due, each for one process only. Until `leaseUntil` nobody else takes them; a process that dies
   * leaves them to the others then.
   * @param busy rows that this process still works at
   */
  claim(
    consumers: readonly string[],
    limit: number,
    now: Date,
    leaseUntil: Date,
    busy: readonly string[],
  ): Promise<OutboxItem[]> {
    return this.database.query<OutboxItem>(
      `UPDATE authfort_outbox SET due_at = $4, attempts = attempts + 1
       WHERE id IN (
         SELECT id FROM authfort_outbox
         WHERE dead_at IS NULL AND due_at <= $3 AND consumer = ANY($1) AND id <> ALL($5::uuid[])
         ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING id, event_id AS "eventId", event, consumer, payload, created_at AS "createdAt", attempts`,
      [consumers, limit, now, leaseUntil, busy],
    );
  }

  async extend(ids: readonly string[], leaseUntil: Date): Promise<void> {
    await this.database.query('UPDATE authfort_outbox SET due_at = $2 WHERE id = ANY($1)', [ids, leaseUntil]);
  }

  async done(id: string): Promise<void> {
    await this.database.query('DELETE FROM authfort_outbox WHERE id = $1', [id]);
  }

  async retryAt(id: string, dueAt: Date, error: string): Promise<void> {
    await this.database.query('UPDATE authfort_outbox SET due_at = $2, error = $3 WHERE id = $1', [
      id,
      dueAt,
      error,
    ]);
  }

  async bury(id: string, now: Date, error: string): Promise<void> {
    await this.database.query('UPDATE authfort_outbox SET dead_at = $2, error = $3 WHERE id = $1', [
      id,
      now,
      error,
    ]);
  }

  /** The latest first; `before`: the id of the last one of the page before. */
  deadLetters(limit: number, before?: string): Promise<DeadLetter[]> {
    return this.database.query<DeadLetter>(
      `SELECT id, event_id AS "eventId", event, consumer, user_id AS "userId", created_at AS "createdAt", dead_at AS "deadAt",
         attempts, error
       FROM authfort_outbox
       WHERE dead_at IS NOT NULL
         AND ($2::uuid IS NULL OR (dead_at, id) < (SELECT dead_at, id FROM authfort_outbox WHERE id = $2::uuid))
       ORDER BY dead_at DESC, id DESC LIMIT $1`,
      [limit, before ?? null],
    );
  }

  /** Gives a dead letter another row of attempts. @returns false when there is none of that id */
  async revive(id: string, now: Date): Promise<boolean> {
    const rows = await this.database.query(
      `UPDATE authfort_outbox SET dead_at = NULL, error = NULL, attempts = 0, due_at = $2 WHERE id = $1 AND dead_at IS NOT NULL
       RETURNING 1`,
      [id, now],
    );
    return rows.length > 0;
  }

  /** Drops mails to an address that were not sent yet: those of the names. */
  async dropMails(email: string, names: readonly string[]): Promise<void> {
    await this.database.query(
      `DELETE FROM authfort_outbox WHERE consumer = ANY($2) AND payload->>'email' = $1`,
      [email, names.map((name) => `mail:${name}`)],
    );
  }

  /** Takes a user's personal data out of what has not been delivered yet, and drops the mails that were for them. */
  async redact(userId: string, email: string): Promise<void> {
    await this.database.query(
      `DELETE FROM authfort_outbox WHERE consumer LIKE 'mail:%' AND (user_id = $1 OR payload->>'email' = $2)`,
      [userId, email],
    );
    await this.database.query(
      `UPDATE authfort_outbox SET payload = payload - '{email,name,client}'::text[], error = NULL
       WHERE user_id = $1 OR payload->>'email' = $2`,
      [userId, email],
    );
  }
}
