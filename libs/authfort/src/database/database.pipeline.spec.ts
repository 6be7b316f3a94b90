import { describe, expect, it } from '@jest/globals';
import type { Pool, PoolClient } from 'pg';
import { setUpThings } from './things.fixture.js';

const things = setUpThings();

describe('a statement that nobody waits for', () => {
  const insert = (id: number) => things.database.execute('INSERT INTO things VALUES ($1)', [id]);

  it('is part of its transaction, and stands by itself outside of one', async () => {
    await insert(1);
    await things.database.transaction(async () => {
      await insert(2);
      await insert(3);
    });
    expect(await things.ids()).toEqual([1, 2, 3]);
  });
  it('takes its transaction with it when it fails, and is the one that explains', async () => {
    const failing = things.database.transaction(async () => {
      await insert(1);
      await insert(1);
      await insert(2);
    });
    await expect(failing).rejects.toThrow(/duplicate key/);
    const noticed = things.database.transaction(async () => {
      await insert(1);
      await insert(1);
      await things.database.query('SELECT 1');
    });
    await expect(noticed).rejects.toThrow(/duplicate key/);
    expect(await things.ids()).toEqual([]);
  });
  it('is refused after the end of its transaction, and not lost', async () => {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    let late: Promise<void> | undefined;
    await things.database.transaction(async () => {
      late = ended.then(() => insert(1));
      await insert(2);
    });
    end();
    await expect(late).rejects.toThrow(/after the end of its transaction/);
    expect(await things.ids()).toEqual([2]);
  });
  it('is not left out of what is committed when pg cannot send it', async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const failing = things.database.transaction(async () => {
      await insert(1);
      await things.database.execute('INSERT INTO things VALUES ($1)', [circular as never]);
    });
    await expect(failing).rejects.toThrow(/circular/);
    expect(await things.ids()).toEqual([]);
  });
});
describe('a transaction', () => {
  const pool = () => (things.dataSource.driver as unknown as { master: Pool }).master;

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
      () => things.database.query(insert),
      () => things.database.execute(insert),
      () => things.database.query('SELECT 1').then(() => things.database.query(insert)),
    ];
    for (const work of works) {
      pool().once('acquire', spoil);
      await expect(things.database.transaction(work)).rejects.toThrow(/division by zero/);
      expect(await things.ids()).toEqual([]);
    }
  });
  it('asks nothing of the database when nothing is asked of it', async () => {
    const sent: string[] = [];
    const { logger } = things.dataSource;
    things.dataSource.logger = Object.assign(Object.create(logger) as typeof logger, {
      logQuery: (sql: string) => void sent.push(sql),
    });
    expect(await things.database.transaction(() => Promise.resolve(1))).toBe(1);
    await expect(things.database.transaction(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    things.dataSource.logger = logger;
    expect(sent).toEqual([]);
  });
  it("leaves the connection as the app's streams and cursors need it", async () => {
    await things.database.transaction(() => insertTwo());
    const client = await pool().connect();
    expect((client as unknown as { pipeline: boolean }).pipeline).toBe(false);
    client.release();
  });

  async function insertTwo(): Promise<void> {
    for (const id of [1, 2]) await things.database.execute('INSERT INTO things VALUES ($1)', [id]);
  }
});
