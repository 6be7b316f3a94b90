import { openEmbeddedTestDatabase } from './embedded-test-database.js';
import { testDatabaseUrl } from './env.js';
import { createPostgresTestDatabase } from './postgres-test-database.js';
import type { TestDatabase } from './test-database.interface.js';

export interface TestDatabaseOptions {
  /**
   * A database on a PostgreSQL server whose user may create databases; `undefined`: the embedded one.
   * Default: `DATABASE_URL` of the environment.
   */
  readonly databaseUrl?: string | undefined;
}

/**
 * Makes a database for one test suite, empty and migrated. Both kinds are copied from a migrated original that is made
 * once per version of the migrations, so that a suite waits less than a second.
 */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const url = 'databaseUrl' in options ? options.databaseUrl : testDatabaseUrl();
  return url ? createPostgresTestDatabase(url) : openEmbeddedTestDatabase();
}
