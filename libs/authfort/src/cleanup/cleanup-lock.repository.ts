import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

// Any number that nothing else in the database uses as a key of advisory locks; the text makes it ours.
const LOCK = `hashtextextended('authfort clean-up', 0)`;

/** Lets one replica at a time clean up. */
@Injectable()
export class CleanupLockRepository {
  constructor(private readonly database: Database) {}

  /**
   * Runs `work` in a transaction that holds the lock, so a process that dies leaves none behind, and no connection is kept between two
   * batches.
   * @returns undefined when another replica has the lock
   */
  runAlone<T>(work: () => Promise<T>): Promise<T | undefined> {
    return this.database.transaction(async () => {
      const [row] = await this.database.query<{ locked: boolean }>(
        `SELECT pg_try_advisory_xact_lock(${LOCK}) AS locked`,
      );
      return row!.locked ? work() : undefined;
    });
  }
}
