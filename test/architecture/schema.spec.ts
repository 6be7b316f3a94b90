import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from 'authfort/testing';
import { DataSource } from 'typeorm';

let database: TestDatabase;
let dataSource: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await new DataSource(database.options).initialize();
});
afterAll(async () => {
  await dataSource?.destroy();
  await database?.close();
});

describe('the migrations', () => {
  it('make the tables that the entities describe', async () => {
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
    expect(dataSource.entityMetadatas.length).toBeGreaterThan(3);
  });

  it('make tables that nothing but AuthFort calls its own', async () => {
    const tables = await dataSource.query<{ name: string }[]>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    expect(tables.filter(({ name }) => !name.startsWith('authfort_'))).toEqual([]);
  });

  it('would be missed if a column were gone', async () => {
    await dataSource.query('ALTER TABLE authfort_users DROP COLUMN name');
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([expect.stringContaining('ADD "name"')]);
  });
});
