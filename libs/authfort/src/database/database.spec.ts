import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { testDatabaseUrl } from '../testing/env.js';
import { createTestDatabase, type TestDatabase } from '../testing/index.js';
import { Database } from './database.js';

describe('Database', () => {
  let test: TestDatabase;
  let dataSource: DataSource;
  let database: Database;
  beforeAll(async () => {
    test = await createTestDatabase();
    dataSource = await new DataSource(test.options).initialize();
    database = new Database(dataSource);
    await database.query('CREATE TABLE things (id integer PRIMARY KEY)');
  });
  beforeEach(() => database.query('DELETE FROM things'));
  afterAll(async () => {
    await dataSource.destroy();
    await test.close();
  });
  const ids = async () =>
    (await database.query<{ id: number }>('SELECT id FROM things ORDER BY id')).map(({ id }) => id);

  it('returns the rows of every kind of statement', async () => {
    expect(await database.query('INSERT INTO things VALUES ($1), ($2) RETURNING id', [1, 2])).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
    expect(await database.query('UPDATE things SET id = id + 10 WHERE id = 1 RETURNING id')).toEqual([
      { id: 11 },
    ]);
    expect(await database.query('DELETE FROM things WHERE id = 11 RETURNING id')).toEqual([{ id: 11 }]);
    expect(await database.query('UPDATE things SET id = 5 WHERE id = 99')).toEqual([]);
  });
  it('commits what resolves and rolls back what throws', async () => {
    await database.transaction(() => database.query('INSERT INTO things VALUES (1)'));
    const failing = database.transaction(async () => {
      await database.query('INSERT INTO things VALUES (2)');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await ids()).toEqual([1]);
  });
  it('joins an open transaction', async () => {
    const outer = database.transaction(async () => {
      await database.transaction(() => database.query('INSERT INTO things VALUES (1)'));
      throw new Error('outer');
    });
    await expect(outer).rejects.toThrow('outer');
    expect(await ids()).toEqual([]);
  });
  it('runs what waits for the commit after it, and never after a rollback', async () => {
    const order: string[] = [];
    await database.transaction(async () => {
      database.afterCommit(() => order.push('after'));
      await database.query('INSERT INTO things VALUES (1)');
      order.push('inside');
    });
    await database
      .transaction(() => {
        database.afterCommit(() => order.push('never'));
        return Promise.reject(new Error('no'));
      })
      .catch(() => undefined);
    database.afterCommit(() => order.push('at once'));
    expect(order).toEqual(['inside', 'after', 'at once']);
  });
  it.each(['57014', '25P03', '40P01'])(
    'tells by SQLSTATE %s that the database cannot serve now',
    async (code) => {
      const raise = () =>
        database.query(`DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${code}'; END $$`);
      const unavailable = { code: 'unavailable', statusCode: 503, retryAfterSeconds: 2 };
      await expect(raise()).rejects.toMatchObject(unavailable);
      await expect(database.transaction(raise)).rejects.toMatchObject(unavailable);
      expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    },
  );
  it('keeps parallel transactions apart', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, id) =>
        database
          .transaction(async () => {
            await database.query('INSERT INTO things VALUES ($1)', [id]);
            if (id % 2) throw new Error('odd');
          })
          .catch(() => undefined),
      ),
    );
    expect(await ids()).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  });

  // The embedded database has no timeouts.
  (testDatabaseUrl() ? describe : describe.skip)('on a server that ends what takes too long', () => {
    const unavailable = { code: 'unavailable', retryAfterSeconds: 2 };

    it('says so of a statement', async () => {
      const slow = database.transaction(async () => {
        await database.query('SET LOCAL statement_timeout = 50');
        await database.query('SELECT pg_sleep(5)');
      });
      await expect(slow).rejects.toMatchObject(unavailable);
    });
    it('says so of a transaction whose connection it has closed', async () => {
      const other = await new DataSource(test.options).initialize();
      const idle = database.transaction(async () => {
        await database.query('SET LOCAL idle_in_transaction_session_timeout = 50');
        await other.query('SELECT pg_sleep(0.5)');
        await database.query('SELECT 1');
      });
      await expect(idle).rejects.toMatchObject(unavailable);
      await other.destroy();
      expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });
  });
});
