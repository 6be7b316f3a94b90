import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { optionsOf } from '../database/embedded/embedded-postgres.js';
import { EmbeddedServer } from '../database/embedded/embedded-server.js';
import { EmbeddedStore } from '../database/embedded/embedded-store.js';
import { embeddedPostgres } from '../database/embedded/index.js';
import { authfortEntities } from '../database/entities.js';
import { migrate } from '../database/migrator.js';
import { idleEngines, RecycledEngines } from './recycled-engines.js';
import { schemaFingerprint } from './schema-fingerprint.js';
import type { TestDatabase } from './test-database.interface.js';

const DAY_MS = 86_400_000;

/** Opens an empty, migrated database in memory. */
export async function openEmbeddedTestDatabase(): Promise<TestDatabase> {
  const idle = idleEngines();
  const store = idle
    ? new RecycledEngines(idle, { name: schemaFingerprint(), load: migratedSnapshot })
    : new EmbeddedStore({ snapshot: await migratedSnapshot(), production: false });
  return {
    options: { ...optionsOf(new EmbeddedServer(store)), entities: authfortEntities },
    close: () => Promise.resolve(),
  };
}

/** Puts a migrated database into an empty folder, for a process that opens it by itself: its own first start takes seconds. */
export async function fillDataFolder(dataDir: string): Promise<void> {
  const snapshot = await migratedSnapshot();
  const dataSource = await new DataSource(
    embeddedPostgres({ dataDir, snapshot, production: false }),
  ).initialize();
  await dataSource.destroy();
}

/**
 * The files of a migrated database as a tar archive, kept in the system's folder for temporary files, where the other
 * processes of a test run find it. Several may make it at once: each writes a file of its own and renames it.
 */
export async function migratedSnapshot(): Promise<Blob> {
  const folder = join(tmpdir(), `authfort-test-snapshots-${process.getuid?.() ?? 'user'}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = `${schemaFingerprint()}.tar`;
  const cached = readIfThere(join(folder, name));
  if (cached) return new Blob([cached]);
  const made = Buffer.from(await (await makeSnapshot()).arrayBuffer());
  removeOldSnapshots(folder);
  const draft = join(folder, `${name}.${randomUUID()}`);
  writeFileSync(draft, made);
  renameSync(draft, join(folder, name));
  return new Blob([made]);
}

async function makeSnapshot(): Promise<Blob> {
  const server = new EmbeddedServer(new EmbeddedStore({ production: false }));
  const dataSource = await new DataSource(optionsOf(server)).initialize();
  try {
    await migrate(dataSource);
    // What new databases are copied from is two thirds of the files, and nobody makes one in a copy.
    for (const template of ['template0', 'template1']) {
      await dataSource.query(`ALTER DATABASE ${template} IS_TEMPLATE false`);
      await dataSource.query(`DROP DATABASE ${template}`);
    }
    return await server.dump();
  } finally {
    await dataSource.destroy();
  }
}

function readIfThere(path: string): Buffer<ArrayBuffer> | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Snapshots are some megabytes each, and every change of a migration makes a new one. */
function removeOldSnapshots(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (written !== undefined && written < Date.now() - DAY_MS) rmSync(path, { force: true });
  }
}
