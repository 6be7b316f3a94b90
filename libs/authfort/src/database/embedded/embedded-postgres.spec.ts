import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { DataSource } from 'typeorm';
import { migratedSnapshot } from '../../testing/embedded-test-database.js';
import { EmbeddedDatabaseError } from './embedded-database.error.js';
import { embeddedPostgres } from './embedded-postgres.js';
import { type EmbeddedStoreOptions } from './embedded-store.js';

const opened: DataSource[] = [];
const folders: string[] = [];

/** A small cluster, so that not each test need make its own. */
let snapshot: Blob;

beforeAll(async () => {
  snapshot = await migratedSnapshot();
});

async function open(options: Partial<EmbeddedStoreOptions> = {}): Promise<DataSource> {
  const dataSource = new DataSource(embeddedPostgres({ production: false, snapshot, ...options }));
  opened.push(dataSource);
  return dataSource.initialize();
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'authfort-embedded-'));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  for (const dataSource of opened.splice(0)) if (dataSource.isInitialized) await dataSource.destroy();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A client of its own on the pool of `dataSource`: what pg does without TypeORM in between. */
async function borrow(dataSource: DataSource): Promise<pg.PoolClient> {
  const pool = (dataSource.driver as unknown as { master: pg.Pool }).master;
  return pool.connect();
}

describe('the embedded database', () => {
  it('is PostgreSQL to the driver: parameters, arrays, timestamps, bytes, JSON', async () => {
    const dataSource = await open();
    const moment = new Date('2026-01-02T03:04:05.678Z');
    const rows = await dataSource.query(
      'SELECT $1::int AS n, $2::text[] AS list, $3::timestamptz AS at, $4::bytea AS bytes, $5::jsonb AS json',
      [7, ['a', 'b'], moment, Buffer.from([0, 255]), { a: [1] }],
    );
    expect(rows).toEqual([
      { n: 7, list: ['a', 'b'], at: moment, bytes: Buffer.from([0, 255]), json: { a: [1] } },
    ]);
  });

  it('keeps named statements, and answers an error inside a pipeline without losing step', async () => {
    const client = await borrow(await open());
    try {
      const statement = { name: 'twice', text: 'SELECT $1::int * 2 AS twice' };
      for (const n of [1, 2, 3]) {
        const { rows } = await client.query({ ...statement, values: [n] });
        expect(rows).toEqual([{ twice: n * 2 }]);
      }
      await expect(client.query('SELECT 1/$1::int', [0])).rejects.toMatchObject({ code: '22012' });
      await expect(client.query('SELECT no_such_column')).rejects.toMatchObject({ code: '42703' });
      expect((await client.query('SELECT $1::int AS fine', [1])).rows).toEqual([{ fine: 1 }]);
    } finally {
      client.release();
    }
  });

  it('carries answers and parameters of megabytes', async () => {
    const dataSource = await open();
    const text = 'ä'.repeat(3_000_000);
    const [row] = await dataSource.query('SELECT $1::text AS text, length($1::text) AS length', [text]);
    expect(row.length).toBe(3_000_000);
    expect(row.text).toBe(text);
  });

  it('runs 50 concurrent transactions one after the other, none lost', async () => {
    const dataSource = await open();
    await dataSource.query('CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL)');
    await dataSource.query('INSERT INTO account VALUES (1, 0)');
    const deposit = (n: number): Promise<void> =>
      dataSource.transaction(async (manager) => {
        const [{ balance }] = await manager.query('SELECT balance FROM account WHERE id = 1 FOR UPDATE');
        if (n % 5 === 0) throw new Error('changed my mind');
        await manager.query('UPDATE account SET balance = $1 WHERE id = 1', [balance + 1]);
      });
    const results = await Promise.allSettled(Array.from({ length: 50 }, (_, n) => deposit(n)));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(10);
    expect(await dataSource.query('SELECT balance FROM account')).toEqual([{ balance: 40 }]);
  });

  it('leaves nothing of a dropped client to the next one: no transaction, setting, lock or statement', async () => {
    const dataSource = await open();
    await dataSource.query('CREATE TABLE note (text text)');
    const dropped = await borrow(dataSource);
    await dropped.query('SET statement_timeout = 12345');
    await dropped.query({ name: 'left_over', text: 'SELECT 1' });
    await dropped.query('BEGIN');
    await dropped.query('SELECT pg_advisory_lock(42)');
    await dropped.query(`INSERT INTO note VALUES ('half done')`);
    dropped.release(new Error('the client broke'));

    expect(await dataSource.query('SELECT * FROM note')).toEqual([]);
    expect(await dataSource.query('SHOW statement_timeout')).toEqual([{ statement_timeout: '0' }]);
    expect(await dataSource.query('SELECT * FROM pg_prepared_statements')).toEqual([]);
    expect(await dataSource.query(`SELECT * FROM pg_locks WHERE locktype = 'advisory'`)).toEqual([]);
  });

  it('lets the next client in when one is cut off in the middle of a transaction', async () => {
    const dataSource = await open();
    await dataSource.query('CREATE TABLE note (text text)');
    const cut = await borrow(dataSource);
    cut.on('error', () => undefined);
    await cut.query('BEGIN');
    await cut.query(`INSERT INTO note VALUES ('half done')`);
    (cut as unknown as { connection: { stream: { destroy(error: Error): void } } }).connection.stream.destroy(
      new Error('gone'),
    );
    await expect(cut.query('SELECT 1')).rejects.toThrow();
    cut.release(true);
    expect(await dataSource.query('SELECT * FROM note')).toEqual([]);
  });

  it('delivers notifications to the client that listens', async () => {
    const client = await borrow(await open());
    try {
      const received: (string | undefined)[] = [];
      client.on('notification', ({ payload }) => received.push(payload));
      await client.query('LISTEN changes');
      await client.query(`NOTIFY changes, 'hello'`);
      expect(received).toEqual(['hello']);
    } finally {
      client.release();
    }
  });

  it('refuses COPY FROM STDIN, for which it would wait for ever', async () => {
    const dataSource = await open();
    await dataSource.query('CREATE TABLE note (text text)');
    await expect(dataSource.query('COPY note FROM STDIN')).rejects.toThrow(
      'not available in the embedded database',
    );
    expect(await dataSource.query('SELECT * FROM note')).toEqual([]);
  });

  it('does not starve timers while it is busy', async () => {
    const dataSource = await open();
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 1);
    for (let n = 0; n < 300; n += 1) await dataSource.query('SELECT 1');
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
  });
});

describe('opening and closing', () => {
  it('keeps the data of a folder over destroy and a new start, with the same options', async () => {
    const options = embeddedPostgres({ dataDir: newFolder(), snapshot, production: false });
    const first = await new DataSource(options).initialize();
    await first.query('CREATE TABLE note (text text)');
    await first.query(`INSERT INTO note VALUES ('kept')`);
    await first.destroy();
    const second = await new DataSource(options).initialize();
    opened.push(second);
    expect(await second.query('SELECT * FROM note')).toEqual([{ text: 'kept' }]);
  });

  it('refuses a folder that is open already, in one sentence that says who has it and what to do', async () => {
    const dataDir = newFolder();
    await open({ dataDir });
    const refusal = open({ dataDir });
    await expect(refusal).rejects.toThrow(EmbeddedDatabaseError);
    await expect(refusal).rejects.toThrow(
      new RegExp(`in use by this process \\(${process.pid}\\) already .*set DATABASE_URL`),
    );
  });

  it('begins again when the first start was killed half-way', async () => {
    const dataDir = newFolder();
    const first = await open({ dataDir });
    await first.destroy();
    rmSync(join(dataDir, 'complete'));
    writeFileSync(join(dataDir, 'pgdata', 'PG_VERSION'), '');
    const progress: string[] = [];
    const second = await open({ dataDir, onProgress: (message) => progress.push(message) });
    expect(await second.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(progress).toEqual([expect.stringContaining(dataDir)]);
  });

  it('refuses to open in production, but only when it is used', async () => {
    const options = embeddedPostgres({ dataDir: '/nowhere', production: true });
    await expect(new DataSource(options).initialize()).rejects.toMatchObject({
      code: 'embedded_database_in_production',
      message: expect.stringContaining('set DATABASE_URL'),
    });
  });
});
