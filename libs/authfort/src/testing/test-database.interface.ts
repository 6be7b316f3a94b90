import type { PostgresOptions } from '../database/embedded/index.js';

/** A database of one test suite. */
export interface TestDatabase {
  /** TypeORM connection options of a database that has AuthFort's tables and nothing in them; AuthFort's entities are listed. */
  readonly options: PostgresOptions;
  /** Throws the database away. Destroy its `DataSource` first. */
  close(): Promise<void>;
}
