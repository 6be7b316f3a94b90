import type { QueryRunner } from 'typeorm';

/** Shorter than PostgreSQL's `deadlock_timeout` (1 s): the migration withdraws before a transaction of a running server is ended. */
const TIMEOUT_MS = 500;
const PAUSE_MS = 200;
const ATTEMPTS = 30;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Locks tables that a migration changes, all or none, while servers are running. The statements of a server lock tables in several
 * orders, so a migration that kept one table while it waited for the next could end in a deadlock with them. Each attempt waits for half
 * a second and then releases what it has locked, so requests do not wait for longer than that behind a long transaction.
 * @throws QueryFailedError when a transaction keeps one of the tables for all attempts
 */
export async function lockTables(runner: QueryRunner, tables: readonly string[]): Promise<void> {
  const [{ timeout }] = (await runner.query(`SELECT current_setting('lock_timeout') AS timeout`)) as [
    { timeout: string },
  ];
  for (let attempt = 1; ; attempt += 1) {
    await runner.query('SAVEPOINT lock_tables');
    try {
      await runner.query(`SET LOCAL lock_timeout = ${TIMEOUT_MS}`);
      await runner.query(`LOCK TABLE ${tables.join(', ')} IN ACCESS EXCLUSIVE MODE`);
      break;
    } catch (error) {
      // It also restores the setting.
      await runner.query('ROLLBACK TO SAVEPOINT lock_tables');
      if (attempt === ATTEMPTS || (error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  await runner.query(`SELECT set_config('lock_timeout', $1, true)`, [timeout]);
  await runner.query('RELEASE SAVEPOINT lock_tables');
}
