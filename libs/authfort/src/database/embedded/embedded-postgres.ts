import pg from 'pg';
import { type DataSourceOptions } from 'typeorm';
import { EmbeddedServer } from './embedded-server.js';
import { EmbeddedStore, type EmbeddedStoreOptions } from './embedded-store.js';
import { SessionStream } from './session-stream.js';

/** The connection options of TypeORM's `postgres` driver. */
export type PostgresOptions = Extract<DataSourceOptions, { type: 'postgres' }>;

/**
 * TypeORM connection options for a PostgreSQL that runs inside this process (PGlite), to be spread into
 * `TypeOrmModule.forRoot` or `new DataSource`. Driver, entities, migrations and SQL are those of production.
 *
 * It starts with the first connection (2–5 s for a new folder, under 1 s afterwards) and closes with
 * `DataSource.destroy()`. One `DataSource` at a time may use the object. It has a single connection: a query outside the
 * open transaction waits for that transaction, for 60 s at most. What was committed survives the death of the process;
 * as the files are not synced to the disk, it does not survive a power cut. `statement_timeout` and `lock_timeout` have no
 * effect, and `COPY FROM STDIN` is refused. LISTEN and NOTIFY work within the connection.
 *
 * `connect` fails with an `EmbeddedDatabaseError`: in production, when another process has the folder open, or when the
 * files cannot be used.
 */
export function embeddedPostgres(options: EmbeddedStoreOptions): PostgresOptions {
  return optionsOf(new EmbeddedServer(new EmbeddedStore(options)));
}

/** The connection options for a server that the caller keeps in hand. */
export function optionsOf(server: EmbeddedServer): PostgresOptions {
  return {
    type: 'postgres',
    // pg would otherwise look for PGUSER and PGDATABASE.
    username: 'postgres',
    database: 'postgres',
    uuidExtension: 'pgcrypto',
    installExtensions: false,
    driver: { ...pg, Pool: poolThatCloses(server) },
    // The first start may take long on a busy machine, and a query that waits for its own transaction should end at some time.
    connectTimeoutMS: 60_000,
    // An idle client is kept for ever: ending it would end nothing but the database's only session.
    extra: { max: 1, idleTimeoutMillis: 0, stream: () => new SessionStream(server) },
  };
}

/** A pool whose end is the end of the database: TypeORM knows no other moment that `DataSource.destroy()` waits for. */
function poolThatCloses(server: EmbeddedServer): typeof pg.Pool {
  return class EmbeddedPool extends pg.Pool {
    override end(): Promise<void>;
    override end(callback: () => void): void;
    override end(callback?: (error?: Error) => void): Promise<void> | void {
      const ended = super.end().then(() => server.close());
      if (!callback) return ended;
      ended.then(() => callback(), callback);
    }
  };
}
