import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { fillDataFolder } from '../../libs/authfort/src/testing/embedded-test-database.js';
import type { Environment } from './app-process.js';

export const databaseUrl = process.env.DATABASE_URL || undefined;

/** A migrated and empty database for the auth servers of one suite. */
export interface SystemDatabase {
  /** What an auth server needs in its environment to use it. */
  readonly env: Environment;
  /** Throws it away; the servers have to be down. */
  close(): Promise<void>;
}

/** On the server of `DATABASE_URL` (where the first auth server migrates it), or the embedded one in a folder of its own. */
export async function createSystemDatabase(): Promise<SystemDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'authfort-system-'));
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  if (!databaseUrl) {
    await fillDataFolder(folder);
    return { env: { AUTHFORT_DATA_DIR: folder }, close: removeFolder };
  }
  const { url, drop } = await createPostgresDatabase(databaseUrl);
  return {
    env: { DATABASE_URL: url, AUTHFORT_DATA_DIR: folder },
    close: async () => {
      await drop();
      await removeFolder();
    },
  };
}

async function createPostgresDatabase(server: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const connectionString = server.replace(/^postgres(ql)?(\+\w+)?:/, 'postgres:');
  const admin = new pg.Client({ connectionString });
  await admin.connect();
  // Named and claimed like the databases of authfort/testing, which drop what a killed run has left.
  const name = `authfort_test_system_${randomBytes(6).toString('hex')}`;
  await admin.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [name]);
  await admin.query(`CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(connectionString);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => {
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}
