import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import pg, { type Pool, type PoolClient } from 'pg';
import { DataSource } from 'typeorm';
import { createTestDatabase } from '../testing/index.js';
import { Database } from './database.js';
import { PreparedStatement } from './prepared-statement.js';
import { setUpThings } from './things.fixture.js';

const things = setUpThings();
const pool = () => (things.dataSource.driver as unknown as { master: Pool }).master;

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
  it('leaves it to its transaction to say why it failed', async () => {
    const failing = things.database.transaction(async () => {
      await things.database.execute('SELECT 1 / 0');
      throw new Error('of the work');
    });
    await expect(failing).rejects.toThrow('of the work');
  });
});
describe('what was not sent', () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const insert = 'INSERT INTO things VALUES ($1)';
  const execute = (statement: string | PreparedStatement, parameter: unknown) =>
    things.database.execute(statement, [parameter as never]);
  const second = new PreparedStatement('things_insert', 'INSERT INTO things VALUES ($1 + 1)');
  const log = (_: string, parameters?: unknown[]) => {
    if (parameters?.[0] === 3) throw new Error('the log is full');
  };

  it.each<[string, () => Promise<void>, RegExp]>([
    ['a parameter has no text', () => execute(insert, circular), /circular/],
    ['pg knows another statement by its name', () => execute(second, 2), /must be unique/],
    ['the logger throws', () => execute(insert, 3), /the log is full/],
  ])('is not left out of what is committed: %s', async (_, unsendable, reason) => {
    const work = () =>
      things.database.transaction(async () => {
        await execute(new PreparedStatement('things_insert', insert), 1);
        await unsendable();
      });
    await expect(things.logging(log, work)).rejects.toThrow(reason);
    expect(await things.ids()).toEqual([]);
  });
  it('gives its connection back once', async () => {
    const releases: unknown[] = [];
    const count = (error: unknown) => void releases.push(error);
    pool().on('release', count);
    await expect(things.database.query('SELECT $1', [circular])).rejects.toThrow(/circular/);
    await things.database.transaction(() => execute(insert, 1));
    pool().off('release', count);
    expect(releases).toHaveLength(2);
    expect(await things.ids()).toEqual([1]);
  });
});
describe('a transaction', () => {
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
      () => things.database.query('SELECT 1 AS id INTO other_things'),
      () => things.database.query(`SELECT 1; ${insert}`),
    ];
    for (const work of works) {
      pool().once('acquire', spoil);
      await expect(things.database.transaction(work)).rejects.toThrow(/division by zero/);
      expect(await things.ids()).toEqual([]);
    }
    expect(await things.database.query(`SELECT to_regclass('other_things') AS other`)).toEqual([
      { other: null },
    ]);
  });
  it('lets no statement overtake another', async () => {
    const [, found] = await things.database.transaction(() =>
      Promise.all([
        things.database.query('INSERT INTO things VALUES (1)'),
        things.database.query('SELECT id FROM things'),
      ]),
    );
    expect(found).toEqual([{ id: 1 }]);
  });
  it('takes the connections of another copy of pg', async () => {
    const other = anotherCopyOfPg();
    const test = await createTestDatabase();
    const extra = { ...(test.options.extra as object), Client: other.Client };
    const dataSource = await new DataSource({ ...test.options, extra }).initialize();
    const database = new Database(dataSource);
    expect(await database.transaction(() => database.query('SELECT 1 AS one'))).toEqual([{ one: 1 }]);
    await dataSource.destroy();
    await test.close();
    expect(other.Client).not.toBe(pg.Client);
  });
  it('asks nothing of the database when nothing is asked of it', async () => {
    const sent: string[] = [];
    await things.logging(
      (sql) => void sent.push(sql),
      async () => {
        expect(await things.database.transaction(() => Promise.resolve(1))).toBe(1);
        await expect(things.database.transaction(() => Promise.reject(new Error('no')))).rejects.toThrow(
          'no',
        );
      },
    );
    expect(sent).toEqual([]);
  });
  it("leaves the connection as the app's streams and cursors need it", async () => {
    await things.database.transaction(() => insertTwo());
    const client = await pool().connect();
    expect((client as unknown as { pipeline: boolean }).pipeline).toBe(false);
    client.release();
  });

  function anotherCopyOfPg(): typeof pg {
    const require = createRequire(import.meta.url);
    const loaded = Object.entries(require.cache).filter(([path]) => /node_modules.pg./.test(path));
    for (const [path] of loaded) delete require.cache[path];
    const copy = require('pg') as typeof pg;
    Object.assign(require.cache, Object.fromEntries(loaded));
    return copy;
  }

  async function insertTwo(): Promise<void> {
    for (const id of [1, 2]) await things.database.execute('INSERT INTO things VALUES ($1)', [id]);
  }
});
