import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { REQUESTED_MAILS } from '../events/outbox.repository.js';

/** A request for a mail that was taken out of the outbox. */
export interface SortedMail {
  readonly event: string;
  readonly email: string;
  /** Whether it was put back for the consumer that sends it. */
  readonly kept: boolean;
}

/** Mails in the outbox that were not sent yet. */
@Injectable()
export class RequestedMailsRepository {
  constructor(private readonly database: Database) {}

  /**
   * Takes at most `limit` of the requested mails and puts back those to accounts, for the consumer of their kind; those to other
   * addresses only if their kind is `served`, for a consumer of new addresses.
   */
  sort(served: readonly string[], limit: number): Promise<SortedMail[]> {
    return this.database.query<SortedMail>(
      `WITH taken AS (
         DELETE FROM authfort_outbox WHERE id = ANY(ARRAY(
           SELECT id FROM authfort_outbox WHERE consumer = '${REQUESTED_MAILS}' AND dead_at IS NULL
           ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))
         RETURNING event_id, event, user_id, payload, created_at, payload->>'email' AS email
       ), sorted AS (
         SELECT t.*, EXISTS (SELECT 1 FROM authfort_users u
           WHERE u.email = t.email AND u.deleted_at IS NULL AND NOT u.banned) AS known
         FROM taken t
       ), kept AS (
         INSERT INTO authfort_outbox (id, event_id, event, consumer, user_id, payload, created_at, due_at)
         SELECT gen_random_uuid(), event_id, event, 'mail:' || event || CASE WHEN known THEN '' ELSE ':new' END,
           user_id, payload, created_at, created_at
         FROM sorted WHERE known OR event = ANY($1)
       )
       SELECT event, email, known OR event = ANY($1) AS kept FROM sorted`,
      [served, limit],
    );
  }

  /** Drops unsent mails: the ones of these kinds to an address, and the ones that confirm a change of the address. */
  async drop(userId: string, email: string, names: readonly string[]): Promise<void> {
    await this.database.query(
      `DELETE FROM authfort_outbox
       WHERE consumer = ANY($3) AND event = ANY($4) AND payload->>'email' = $2
         OR consumer = 'mail:email_change' AND user_id = $1`,
      [
        userId,
        email,
        [REQUESTED_MAILS, ...names.flatMap((name) => [`mail:${name}`, `mail:${name}:new`])],
        names,
      ],
    );
  }
}
