import { PGlite } from '@electric-sql/pglite';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EmbeddedDatabaseError } from './embedded-database.error.js';
import { FolderLock, FolderLockedError } from './folder-lock.js';

/** Where the data of the embedded database lives. */
export interface EmbeddedStoreOptions {
  /** The folder that holds the database, made when missing. Without it the database lives in memory. */
  readonly dataDir?: string;
  /** What a new database begins with, as made by PGlite's `dumpDataDir`; default: empty. */
  readonly snapshot?: Blob;
  /** Whether the app runs in production, where this database refuses to open. */
  readonly production: boolean;
  /** Told what is going on, as the first start takes seconds; default: nobody is told. */
  readonly onProgress?: (message: string) => void;
}

/**
 * A single session that serves a developer needs neither PostgreSQL's 128 MB of buffers, which are cleared at every start, nor
 * 16 MB files of write-ahead log: without them the first start costs less than half, a later one a third.
 */
const SMALL = {
  initDbStartParams: ['--set', 'shared_buffers=16MB', '--wal-segsize=1'],
  startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'],
};

/** Opens and closes the database's files. */
export class EmbeddedStore {
  private lock: FolderLock | undefined;

  constructor(private readonly options: EmbeddedStoreOptions) {}

  /** @throws EmbeddedDatabaseError in production, when another process holds the folder, or when the files cannot be used. */
  async open(): Promise<PGlite> {
    const { dataDir, snapshot, production } = this.options;
    if (production) throw inProduction();
    if (dataDir === undefined) return this.start('in memory', { loadDataDir: snapshot });
    const folder = resolve(dataDir);
    this.lock = lockFolder(folder);
    try {
      return await this.openFolder(folder);
    } catch (error) {
      this.unlock();
      throw error;
    }
  }

  async close(engine: PGlite): Promise<void> {
    try {
      await engine.close();
    } finally {
      this.unlock();
    }
  }

  private async openFolder(folder: string): Promise<PGlite> {
    const files = join(folder, 'pgdata');
    const complete = join(folder, 'complete');
    if (existsSync(complete)) return this.start(`in ${folder}`, { dataDir: files });
    // A first start that was killed leaves half of a cluster, which no later start could repair. Nobody was served from it.
    rmSync(files, { recursive: true, force: true });
    this.options.onProgress?.(`Creating the embedded database in ${folder} (takes a few seconds, once)`);
    const engine = await this.start(`in ${folder}`, { dataDir: files, loadDataDir: this.options.snapshot });
    writeFileSync(complete, '');
    return engine;
  }

  private async start(where: string, options: { dataDir?: string; loadDataDir?: Blob }): Promise<PGlite> {
    try {
      return await PGlite.create({ ...SMALL, ...options, relaxedDurability: false });
    } catch (error) {
      throw new EmbeddedDatabaseError(
        'embedded_database_failed',
        `The embedded database ${where} could not be started (${reasonOf(error)}). Move its folder away to begin with an empty one, or set DATABASE_URL to a PostgreSQL server.`,
        { cause: error },
      );
    }
  }

  private unlock(): void {
    this.lock?.release();
    this.lock = undefined;
  }
}

function lockFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    return FolderLock.acquire(folder);
  } catch (error) {
    if (!(error instanceof FolderLockedError)) throw error;
    throw new EmbeddedDatabaseError('embedded_database_in_use', inUse(folder, error), { cause: error });
  }
}

function inUse(folder: string, { owner, since, liveness, path }: FolderLockedError): string {
  const holder =
    owner.pid === process.pid && liveness === 'alive'
      ? `this process (${owner.pid}) already`
      : `process ${owner.pid} (${owner.script})${liveness === 'unknown' ? ` on ${owner.host}` : ''}`;
  const stop =
    liveness === 'unknown' ? `stop that process (if it is gone, delete ${path})` : 'stop that process';
  return (
    `The embedded database in ${folder} is in use by ${holder} since ${since}. Only one process at a time can open it: ` +
    `${stop}, or set DATABASE_URL to a PostgreSQL server that both can use.`
  );
}

function inProduction(): EmbeddedDatabaseError {
  return new EmbeddedDatabaseError(
    'embedded_database_in_production',
    'The embedded database serves development, demos and tests only. In production set DATABASE_URL to a PostgreSQL server (postgres://user:password@host:5432/database).',
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
