import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Pool, PoolClient } from 'pg';
import { DataSource } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '../testing/index.js';
import { Database } from './database.js';

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

describe('a statement that nobody waits for', () => {
  const insert = (id: number) => database.execute('INSERT INTO things VALUES ($1)', [id]);

  it('is part of its transaction, and stands by itself outside of one', async () => {
    await insert(1);
    await database.transaction(async () => {
      await insert(2);
      await insert(3);
    });
    expect(await ids()).toEqual([1, 2, 3]);
  });
  it('takes its transaction with it when it fails, and is the one that explains', async () => {
    const failing = database.transaction(async () => {
      await insert(1);
      await insert(1);
      await insert(2);
    });
    await expect(failing).rejects.toThrow(/duplicate key/);
    const noticed = database.transaction(async () => {
      await insert(1);
      await insert(1);
      await database.query('SELECT 1');
    });
    await expect(noticed).rejects.toThrow(/duplicate key/);
    expect(await ids()).toEqual([]);
  });
  it('is not left out of what is committed when pg cannot send it', async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const failing = database.transaction(async () => {
      await insert(1);
      await database.execute('INSERT INTO things VALUES ($1)', [circular as never]);
    });
    await expect(failing).rejects.toThrow(/circular/);
    expect(await ids()).toEqual([]);
  });
});
describe('a transaction', () => {
  const pool = () => (dataSource.driver as unknown as { master: Pool }).master;

  it('changes nothing when it could not begin', async () => {
    const spoil = (client: PoolClient) => {
      const query = client.query.bind(client) as (query: { text: string }) => unknown;
      client.query = ((asked: { text: string }) => {
        if (asked.text.startsWith('BEGIN')) asked.text = 'SELECT 1 / 0';
        return query(asked);
      }) as never;
      client.once('error', () => undefined);
      pool().once('release', () => (client.query = query as never));
    };
    const insert = 'INSERT INTO things VALUES (1)';
    const works: (() => Promise<unknown>)[] = [
      () => database.query(insert),
      () => database.execute(insert),
      () => database.query('SELECT 1').then(() => database.query(insert)),
    ];
    for (const work of works) {
      pool().once('acquire', spoil);
      await expect(database.transaction(work)).rejects.toThrow(/division by zero/);
      expect(await ids()).toEqual([]);
    }
  });
  it('asks nothing of the database when nothing is asked of it', async () => {
    const sent: string[] = [];
    const { logger } = dataSource;
    dataSource.logger = Object.assign(Object.create(logger) as typeof logger, {
      logQuery: (sql: string) => void sent.push(sql),
    });
    expect(await database.transaction(() => Promise.resolve(1))).toBe(1);
    await expect(database.transaction(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    dataSource.logger = logger;
    expect(sent).toEqual([]);
  });
  it("leaves the connection as the app's streams and cursors need it", async () => {
    await database.transaction(() => insertTwo());
    const client = await pool().connect();
    expect((client as unknown as { pipeline: boolean }).pipeline).toBe(false);
    client.release();
  });

  async function insertTwo(): Promise<void> {
    for (const id of [1, 2]) await database.execute('INSERT INTO things VALUES ($1)', [id]);
  }
});
