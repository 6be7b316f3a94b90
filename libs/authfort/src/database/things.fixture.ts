import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { DataSource } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '../testing/index.js';
import { Database } from './database.js';

/** A database with a table `things (id integer PRIMARY KEY)`, empty before each test. */
export interface Things {
  readonly test: TestDatabase;
  readonly dataSource: DataSource;
  readonly database: Database;
  ids(): Promise<number[]>;
  /** Calls `log` with each statement that is sent while `work` runs. */
  logging<T>(log: (sql: string, parameters?: unknown[]) => void, work: () => Promise<T>): Promise<T>;
}

/** Makes and drops it around the tests of the file; its properties are there from the first test on. */
export function setUpThings(): Things {
  const things = {} as { -readonly [Key in keyof Things]: Things[Key] };
  beforeAll(async () => {
    things.test = await createTestDatabase();
    things.dataSource = await new DataSource(things.test.options).initialize();
    things.database = new Database(things.dataSource);
    await things.database.query('CREATE TABLE things (id integer PRIMARY KEY)');
  });
  beforeEach(() => things.database.query('DELETE FROM things'));
  afterAll(async () => {
    await things.dataSource.destroy();
    await things.test.close();
  });
  things.ids = async () => {
    const rows = await things.database.query<{ id: number }>('SELECT id FROM things ORDER BY id');
    return rows.map(({ id }) => id);
  };
  things.logging = (log, work) => {
    const { logger } = things.dataSource;
    things.dataSource.logger = Object.assign(Object.create(logger) as typeof logger, { logQuery: log });
    return work().finally(() => (things.dataSource.logger = logger));
  };
  return things;
}
