import { afterEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { testDatabaseUrl } from './env.js';
import type { TestDatabase } from './test-database.interface.js';
import { createTestDatabase } from './test-database.js';

const cleanUps: (() => Promise<void>)[] = [];

async function open(databaseUrl: string | undefined): Promise<DataSource> {
  const database: TestDatabase = await createTestDatabase({ databaseUrl });
  const dataSource = await new DataSource(database.options).initialize();
  cleanUps.push(async () => {
    await dataSource.destroy();
    await database.close();
  });
  return dataSource;
}

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const kinds: [string, string | undefined][] = [['embedded', undefined]];
const url = testDatabaseUrl();
if (url) kinds.push(['PostgreSQL', url]);

describe.each(kinds)('a test database (%s)', (_name, databaseUrl) => {
  it('is migrated, empty, and nobody else’s', async () => {
    const [first, second] = await Promise.all([open(databaseUrl), open(databaseUrl)]);
    await first.query(
      `INSERT INTO authfort_users (id, email, created_at) VALUES (gen_random_uuid(), 'ada@example.com', now())`,
    );
    expect(await first.query('SELECT email FROM authfort_users')).toEqual([{ email: 'ada@example.com' }]);
    expect(await second.query('SELECT email FROM authfort_users')).toEqual([]);
  });

  it('knows the entities', async () => {
    const dataSource = await open(databaseUrl);
    for (const { target } of dataSource.entityMetadatas) {
      expect(await dataSource.getRepository(target).count()).toBe(0);
    }
    expect(dataSource.entityMetadatas.length).toBeGreaterThan(0);
  });
});

(url ? describe : describe.skip)('on PostgreSQL', () => {
  it('drops the database on close', async () => {
    const database = await createTestDatabase({ databaseUrl: url });
    const name = new URL(database.options.url ?? '').pathname.slice(1);
    await database.close();
    const other = await open(url);
    expect(await other.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])).toEqual([]);
  });

  it('drops what a killed run left behind, and nothing that is in use', async () => {
    const used = await open(url);
    await used.query('SELECT 1');
    const [{ name }] = await used.query('SELECT current_database() AS name');
    await used.query('CREATE DATABASE authfort_test_left_behind');
    const next = await open(url);
    const rows = await next.query('SELECT datname FROM pg_database WHERE datname = ANY($1)', [
      [name, 'authfort_test_left_behind'],
    ]);
    expect(rows).toEqual([{ datname: name }]);
  });
});
