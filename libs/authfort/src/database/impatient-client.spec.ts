import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { testDatabaseUrl } from '../testing/env.js';
import { connectionOptions } from './connection-options.js';
import { Database } from './database.js';
import { ImpatientClient, patiently } from './impatient-client.js';

class QuickClient extends ImpatientClient {
  override answerTimeoutMs = 200;
}

const url = testDatabaseUrl();
const backend = 'SELECT pg_backend_pid() AS pid';

(url ? describe : describe.skip)('a server that does not answer', () => {
  let dataSource: DataSource;
  let database: Database;
  beforeEach(async () => {
    const options = connectionOptions({ databaseUrl: url, dataDir: '.data', production: true });
    const extra = { ...(options.extra as object), Client: QuickClient };
    dataSource = await new DataSource({ ...options, poolSize: 1, extra }).initialize();
    database = new Database(dataSource);
  });
  afterEach(() => dataSource.destroy());

  it('is given up, and its connection given to nobody else', async () => {
    const [before] = await database.query<{ pid: number }>(backend);
    await expect(database.query('SELECT pg_sleep(5)')).rejects.toMatchObject({ code: 'unavailable' });
    const [after] = await database.query<{ pid: number }>(backend);
    expect(after!.pid).not.toBe(before!.pid);
  });

  it('is given up within a transaction, of which nothing is left', async () => {
    let inside: { pid: number } | undefined;
    const work = database.transaction(async () => {
      [inside] = await database.query<{ pid: number }>(backend);
      await database.query('CREATE TABLE authfort_given_up (a int)');
      await database.query('SELECT pg_sleep(5)');
    });
    await expect(work).rejects.toMatchObject({ code: 'unavailable' });
    const [after] = await database.query<{ pid: number; found: string | null }>(
      `SELECT pg_backend_pid() AS pid, to_regclass('authfort_given_up') AS found`,
    );
    expect(after!.pid).not.toBe(inside!.pid);
    expect(after!.found).toBeNull();
  });

  it.each([
    [
      'a query object',
      (client: pg.Client, sql: string, done: (error: Error | null) => void) => {
        client.query(Object.assign(new pg.Query(sql), { callback: done }));
      },
    ],
    [
      'a callback',
      (client: pg.Client, sql: string, done: (error: Error | null) => void) => client.query(sql, done),
    ],
    [
      'a promise',
      (client: pg.Client, sql: string, done: (error: Error | null) => void) => {
        client.query(sql).then(() => done(null), done);
      },
    ],
  ] as const)('is given up by whoever asks with %s, and an answer in time is no matter', async (_, ask) => {
    const client = new QuickClient({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    const answer = (sql: string) => new Promise((resolve) => ask(client, sql, resolve));
    expect(await answer('SELECT 1')).toBeNull();
    expect(await answer('SELECT 1 FROM nowhere')).toMatchObject({ code: '42P01' });
    expect(await answer('SELECT pg_sleep(0.05)')).toBeNull();
    expect(await answer('SELECT pg_sleep(5)')).toMatchObject({ message: 'Query read timeout' });
    await client.end();
  });

  it('has its time for each statement of many that were sent at once', async () => {
    const client = new ImpatientClient({ connectionString: url });
    client.answerTimeoutMs = 1500;
    await client.connect();
    (client as unknown as { pipeline: boolean }).pipeline = true;
    const sleeps = [1, 2, 3].map((n) => client.query(`SELECT ${n} AS n FROM pg_sleep(0.7)`));
    expect((await Promise.all(sleeps)).map(({ rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]]);
    await client.end();
  });

  it('is waited for where that was asked for, and only there', async () => {
    const runner = dataSource.createQueryRunner();
    await patiently(await runner.connect(), () => runner.query('SELECT pg_sleep(0.5)'));
    await expect(runner.query('SELECT pg_sleep(5)')).rejects.toThrow('Query read timeout');
    await runner.release();
  });
});
