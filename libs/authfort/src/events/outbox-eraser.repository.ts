import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

/** Erases personal data from deliveries that are pending or dead. */
@Injectable()
export class OutboxEraser {
  constructor(private readonly database: Database) {}

  /**
   * Removes a user's personal data from pending deliveries, and drops the mails to the user. Deliveries to others lose the user's address.
   */
  async redact(userId: string, email: string): Promise<void> {
    await this.database.query(
      `DELETE FROM authfort_outbox WHERE consumer LIKE 'mail:%'
         AND (user_id = $1 OR payload->>'email' = $2 OR payload->'data'->>'from' = $2)`,
      [userId, email],
    );
    await this.database.query(
      `UPDATE authfort_outbox SET error = NULL, payload = CASE
         WHEN user_id = $1 OR payload->>'email' = $2 THEN payload - '{email,oldEmail,userName,client}'::text[]
         WHEN payload->>'oldEmail' = $2 THEN payload - 'oldEmail'
         ELSE jsonb_set(payload, '{data,email}', '"…"') END
       WHERE user_id = $1 OR payload->>'email' = $2 OR payload->>'oldEmail' = $2 OR payload->'data'->>'email' = $2`,
      [userId, email],
    );
  }
}
