import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { driverUrl } from '../database/connection-options.js';
import { type PostgresOptions } from '../database/embedded/index.js';
import { authfortEntities } from '../database/entities.js';
import { migrate } from '../database/migrator.js';
import { schemaFingerprint } from './schema-fingerprint.js';
import type { TestDatabase } from './test-database.interface.js';

const PREFIX = 'authfort_test_';

/**
 * Creates a database on the server of `url` as a copy of a migrated template.
 *
 * Every database of ours is claimed by an advisory lock under its name, which the connection of its user holds. A killed
 * run loses its connections and with them its claims, so that the next run sees what it may drop.
 */
export async function createPostgresTestDatabase(url: string): Promise<TestDatabase> {
  const admin = new pg.Client({
    connectionString: driverUrl(url),
    application_name: 'authfort-test-database',
  });
  await admin.connect();
  try {
    const template = await useTemplate(admin, url);
    const name = `${PREFIX}${randomBytes(8).toString('hex')}`;
    await claim(admin, name);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    return {
      options: { ...optionsFor(url, name), entities: authfortEntities },
      close: async () => {
        await drop(admin, name);
        await admin.end();
      },
    };
  } catch (error) {
    await admin.end();
    throw error;
  }
}

/** Returns the name of the migrated template, made by whoever comes first; it stays while this connection lives. */
async function useTemplate(admin: pg.Client, url: string): Promise<string> {
  const template = `${PREFIX}template_${schemaFingerprint()}`;
  await claim(admin, PREFIX);
  try {
    await admin.query('SELECT pg_advisory_lock_shared(hashtextextended($1, 0))', [template]);
    await dropUnclaimed(admin);
    const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [template]);
    if (!rowCount) await makeTemplate(admin, url, template);
  } finally {
    await admin.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [PREFIX]);
  }
  return template;
}

async function makeTemplate(admin: pg.Client, url: string, template: string): Promise<void> {
  // It gets its name when it is complete, so that a run that dies here leaves nothing that looks like a template.
  const draft = `${template}_draft`;
  await drop(admin, draft);
  await admin.query(`CREATE DATABASE ${draft} TEMPLATE template0`);
  const dataSource = await new DataSource(optionsFor(url, draft)).initialize();
  await migrate(dataSource).finally(() => dataSource.destroy());
  // A copy cannot be made while somebody is connected, and the server may not have noticed yet that we left.
  await admin.query('SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1', [
    draft,
  ]);
  await admin.query(`ALTER DATABASE ${draft} RENAME TO ${template}`);
}

async function dropUnclaimed(admin: pg.Client): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    'SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)',
    [PREFIX],
  );
  for (const { name } of rows) {
    const free = await admin.query<{ free: boolean }>(
      'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS free',
      [name],
    );
    if (!free.rows[0]?.free) continue;
    // Ours is free to ourselves: a session may take a lock that it holds already.
    if (name !== `${PREFIX}template_${schemaFingerprint()}`) await drop(admin, name);
    await admin.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [name]);
  }
}

async function claim(admin: pg.Client, name: string): Promise<void> {
  await admin.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [name]);
}

async function drop(admin: pg.Client, name: string): Promise<void> {
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}

function optionsFor(url: string, database: string): PostgresOptions {
  const target = new URL(driverUrl(url));
  target.pathname = `/${database}`;
  return { type: 'postgres', url: target.href, uuidExtension: 'pgcrypto', installExtensions: false };
}
