import { afterEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { EmbeddedServer } from '../database/embedded/embedded-server.js';
import { migratedSnapshot, openEmbeddedTestDatabase } from './embedded-test-database.js';
import { idleEngines, RecycledEngines } from './recycled-engines.js';
import { schemaFingerprint } from './schema-fingerprint.js';

let dataSource: DataSource;

async function open(): Promise<DataSource> {
  const { options } = await openEmbeddedTestDatabase();
  dataSource = await new DataSource(options).initialize();
  return dataSource;
}

/** Survives in an engine that is used again, and is no part of the database. */
async function startedAt(): Promise<string> {
  const [{ at }] = await dataSource.query(`SELECT pg_postmaster_start_time()::text AS at`);
  return at;
}

async function reopenAfter(...statements: string[]): Promise<{ reused: boolean }> {
  await open();
  const before = await startedAt();
  for (const statement of statements) await dataSource.query(statement);
  await dataSource.destroy();
  await open();
  return { reused: (await startedAt()) === before };
}

afterEach(() => dataSource.destroy());

const ADD_USER = `INSERT INTO authfort_users (id, email, created_at) VALUES (gen_random_uuid(), 'ada@example.com', now())`;

describe('the engine of a test database that was closed', () => {
  it('serves the next one, empty', async () => {
    expect(await reopenAfter(ADD_USER)).toEqual({ reused: true });
    for (const { tableName } of dataSource.entityMetadatas)
      expect({ tableName, rows: await dataSource.query(`SELECT * FROM "${tableName}"`) }).toEqual({
        tableName,
        rows: [],
      });
  });

  it('forgets what a session left', async () => {
    const left = [`SET search_path TO pg_catalog`, `SELECT pg_advisory_lock(7)`, 'LISTEN news'];
    expect(await reopenAfter('BEGIN', ADD_USER, ...left)).toEqual({ reused: true });
    const [{ path }] = await dataSource.query(`SELECT current_setting('search_path') AS path`);
    expect(path).toBe('public');
    expect(await dataSource.query(`SELECT * FROM pg_locks WHERE locktype = 'advisory'`)).toEqual([]);
    expect(await dataSource.query('SELECT pg_listening_channels()')).toEqual([]);
    expect(await dataSource.query('SELECT FROM authfort_users')).toEqual([]);
  });

  it('is out of reach for the sessions of the server that gave it back', async () => {
    const engines = new RecycledEngines(idleEngines()!, {
      name: schemaFingerprint(),
      load: migratedSnapshot,
    });
    const server = new EmbeddedServer(engines);
    const session = await server.openSession();
    await server.close();
    await open();
    await dataSource.query('BEGIN');
    await dataSource.query(ADD_USER);
    await expect(session.run(Buffer.from('S\0\0\0\x04', 'latin1'))).rejects.toThrow('closed');
    await session.end();
    expect(await dataSource.query('SELECT email FROM authfort_users')).toHaveLength(1);
  });

  it.each([
    ['a table', `CREATE TABLE t (id int)`],
    ['a column', `ALTER TABLE authfort_users ADD COLUMN x int`],
    ['a default', `ALTER TABLE authfort_users ALTER COLUMN name SET DEFAULT 'x'`],
    ['an index less', `DROP INDEX authfort_users_created_at_idx`],
    ['a trigger that is off', `ALTER TABLE authfort_user_roles DISABLE TRIGGER ALL`],
    ['a function', `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`],
    ['a role', `CREATE ROLE someone`],
    ['a right', `GRANT SELECT ON authfort_users TO PUBLIC`],
    ['a setting of the database', `ALTER DATABASE postgres SET statement_timeout = 1000`],
    ['a setting of the server', `ALTER SYSTEM SET work_mem = '1MB'`],
    ['what the planner knows', ADD_USER, `ANALYZE authfort_users`],
    [
      'a migration less',
      `DELETE FROM authfort_migrations WHERE id = (SELECT max(id) FROM authfort_migrations)`,
    ],
    ['an extension less', `DROP EXTENSION IF EXISTS plpgsql CASCADE`],
  ])('is not used again with %s', async (_what, ...statements) => {
    expect(await reopenAfter(...statements)).toEqual({ reused: false });
  });
});
