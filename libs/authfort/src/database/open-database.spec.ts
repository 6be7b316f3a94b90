import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '../testing/index.js';
import { openDatabase } from './open-database.js';
import { revertLast } from './migrator.js';

describe('openDatabase', () => {
  let test: TestDatabase;
  let dataSource: DataSource | undefined;
  beforeEach(async () => {
    test = await createTestDatabase();
  });
  afterEach(async () => {
    await dataSource?.destroy();
    await test.close();
  });
  const connect = async (options: { entities?: [] } = {}) => {
    dataSource = await new DataSource({ ...test.options, ...options }).initialize();
    return dataSource;
  };

  it('says what is missing when the connection does not have the entities', async () => {
    await expect(openDatabase(await connect({ entities: [] }), { runMigrations: true })).rejects.toThrow(
      /autoLoadEntities: true/,
    );
  });
  it('brings the tables up to date', async () => {
    await revertLast(await connect());
    const database = await openDatabase(dataSource!, { runMigrations: true });
    expect(await database.query('SELECT * FROM authfort_users')).toEqual([]);
  });
  it('says what to run when it may not', async () => {
    await revertLast(await connect());
    await expect(openDatabase(dataSource!, { runMigrations: false })).rejects.toThrow(/npx authfort migrate/);
  });
});
