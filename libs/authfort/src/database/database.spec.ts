import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { testDatabaseUrl } from '../testing/env.js';
import { createTestDatabase } from '../testing/index.js';
import { Database } from './database.js';
import { prepared } from './prepared-statement.js';
import { setUpThings } from './things.fixture.js';

describe('Database', () => {
  const things = setUpThings();

  it('returns the rows of every kind of statement', async () => {
    expect(await things.database.query('INSERT INTO things VALUES ($1), ($2) RETURNING id', [1, 2])).toEqual([
      { id: 1 },
      { id: 2 },
    ]);
    expect(await things.database.query('UPDATE things SET id = id + 10 WHERE id = 1 RETURNING id')).toEqual([
      { id: 11 },
    ]);
    expect(await things.database.query('DELETE FROM things WHERE id = 11 RETURNING id')).toEqual([
      { id: 11 },
    ]);
    expect(await things.database.query('UPDATE things SET id = 5 WHERE id = 99')).toEqual([]);
  });
  it('commits what resolves and rolls back what throws', async () => {
    await things.database.transaction(() => things.database.query('INSERT INTO things VALUES (1)'));
    const failing = things.database.transaction(async () => {
      await things.database.query('INSERT INTO things VALUES (2)');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await things.ids()).toEqual([1]);
  });
  it('joins an open transaction', async () => {
    const outer = things.database.transaction(async () => {
      await things.database.transaction(() => things.database.query('INSERT INTO things VALUES (1)'));
      throw new Error('outer');
    });
    await expect(outer).rejects.toThrow('outer');
    expect(await things.ids()).toEqual([]);
  });
  it('runs what waits for the commit after it, and never after a rollback', async () => {
    const order: string[] = [];
    await things.database.transaction(async () => {
      things.database.afterCommit(() => order.push('after'));
      await things.database.query('INSERT INTO things VALUES (1)');
      order.push('inside');
    });
    await things.database
      .transaction(() => {
        things.database.afterCommit(() => order.push('never'));
        return Promise.reject(new Error('no'));
      })
      .catch(() => undefined);
    things.database.afterCommit(() => order.push('at once'));
    expect(order).toEqual(['inside', 'after', 'at once']);
  });
  it.each(['40P01', '40001'])(
    'repeats what PostgreSQL has ended by SQLSTATE %s, up to three times',
    async (code) => {
      const { database } = things;
      await database.query('DROP SEQUENCE IF EXISTS attempts; CREATE SEQUENCE attempts');
      // A sequence is not rolled back: it counts the attempts.
      const failUntil = (attempt: number) =>
        `DO $$ BEGIN IF nextval('attempts') % 10 < ${attempt} THEN RAISE EXCEPTION USING ERRCODE = '${code}'; END IF; END $$`;
      const told: string[] = [];
      await database.transaction(async () => {
        database.afterCommit(() => told.push('committed'));
        await database.query('INSERT INTO things VALUES (1)');
        await database.query(failUntil(3));
      });
      expect([await things.ids(), told]).toEqual([[1], ['committed']]);
      await database.query('ALTER SEQUENCE attempts RESTART');
      await database.query(failUntil(3));
      await database.query('ALTER SEQUENCE attempts RESTART');
      const failing = database.transaction(() => database.query(failUntil(4)));
      await expect(failing).rejects.toMatchObject({ code: 'unavailable', cause: { code } });
      expect(await database.query('SELECT last_value::int FROM attempts')).toEqual([{ last_value: 3 }]);
    },
  );
  it.each(['57014', '25P03', '40P01'])(
    'tells by SQLSTATE %s that the database cannot serve now',
    async (code) => {
      const raise = () =>
        things.database.query(`DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${code}'; END $$`);
      const unavailable = { code: 'unavailable', statusCode: 503, retryAfterSeconds: 2 };
      await expect(raise()).rejects.toMatchObject(unavailable);
      await expect(things.database.transaction(raise)).rejects.toMatchObject(unavailable);
      expect(await things.database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    },
  );
  it('does not call a transaction committed in which a statement has failed', async () => {
    const swallowed = things.database.transaction(async () => {
      await things.database.query('INSERT INTO things VALUES (1)');
      await things.database.query('INSERT INTO things VALUES (1)').catch(() => undefined);
    });
    await expect(swallowed).rejects.toThrow(/rolled back/);
    expect(await things.ids()).toEqual([]);
  });
  it('refuses a statement that comes after the end of its transaction', async () => {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    let late: Promise<unknown> | undefined;
    await things.database.transaction(async () => {
      late = ended.then(() => things.database.query('INSERT INTO things VALUES (1)'));
      await things.database.query('INSERT INTO things VALUES (2)');
    });
    end();
    await expect(late).rejects.toThrow(/after the end of its transaction/);
    expect(await things.ids()).toEqual([2]);
  });
  it('refuses a statement of one branch of the work once another has failed', async () => {
    let sibling: Promise<unknown> | undefined;
    const failing = things.database.transaction(async () => {
      const failed = things.database.query('INSERT INTO things VALUES (1), (1)');
      // Goes on by itself, when the transaction is being rolled back.
      sibling = failed.catch(() =>
        things.database.query('SELECT 1').then(() => things.database.query('INSERT INTO things VALUES (2)')),
      );
      await failed;
    });
    await expect(failing).rejects.toThrow(/duplicate key/);
    await expect(sibling).rejects.toThrow();
    expect(await things.ids()).toEqual([]);
  });
  it('keeps parallel transactions apart', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, id) =>
        things.database
          .transaction(async () => {
            await things.database.query('INSERT INTO things VALUES ($1)', [id]);
            if (id % 2) throw new Error('odd');
          })
          .catch(() => undefined),
      ),
    );
    expect(await things.ids()).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  });

  describe('prepared statements', () => {
    const FIND = prepared('find_thing', 'SELECT id FROM things WHERE id = $1');
    const known = async (on: Database) => {
      const rows = await on.query<{ statement: string }>('SELECT statement FROM pg_prepared_statements');
      return rows.map(({ statement }) => statement).filter((sql) => sql === FIND.sql);
    };

    it('are parsed once by a connection, within transactions and without', async () => {
      await things.database.query('INSERT INTO things VALUES (1)');
      const seen = await things.database.transaction(async () => {
        for (const id of [1, 2]) await things.database.query(FIND, [id]);
        return known(things.database);
      });
      expect(seen).toEqual([FIND.sql]);
      expect(await things.database.query(FIND, [1])).toEqual([{ id: 1 }]);
      expect(await things.database.query(FIND, [2])).toEqual([]);
    });
    it('are plain ones where a pooler cannot have them', async () => {
      const other = await createTestDatabase();
      const connection = await new DataSource(other.options).initialize();
      const plain = new Database(connection, { preparedStatements: false });
      await plain.query('CREATE TABLE things (id integer PRIMARY KEY)');
      await plain.transaction(async () => {
        expect(await plain.query(FIND, [1])).toEqual([]);
        expect(await known(plain)).toEqual([]);
      });
      await connection.destroy();
      await other.close();
    });
    it('come again on a new connection when the server has forgotten them', async () => {
      const forgetful = things.database.transaction(async () => {
        await things.database.query(FIND, [1]);
        await things.database.query('DEALLOCATE ALL');
        await things.database.query(FIND, [1]);
      });
      await expect(forgetful).rejects.toMatchObject({ code: '26000' });
      expect(await things.database.query(FIND, [1])).toEqual([]);
    });
    it('have names of their own', () => {
      expect(() => prepared('find_thing', 'SELECT 1')).toThrow(
        'Two prepared statements are called find_thing',
      );
    });
  });

  // The embedded database has no timeouts.
  (testDatabaseUrl() ? describe : describe.skip)('on a server that ends what takes too long', () => {
    const unavailable = { code: 'unavailable', retryAfterSeconds: 2 };

    it('says so of a statement', async () => {
      const slow = things.database.transaction(async () => {
        await things.database.query('SET LOCAL statement_timeout = 50');
        await things.database.query('SELECT pg_sleep(5)');
      });
      await expect(slow).rejects.toMatchObject(unavailable);
    });
    it('says so of a transaction whose connection it has closed', async () => {
      const other = await new DataSource(things.test.options).initialize();
      const idle = things.database.transaction(async () => {
        await things.database.query('SET LOCAL idle_in_transaction_session_timeout = 50');
        await other.query('SELECT pg_sleep(0.5)');
        await things.database.query('SELECT 1');
      });
      await expect(idle).rejects.toMatchObject(unavailable);
      await other.destroy();
      expect(await things.database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });
  });
});
