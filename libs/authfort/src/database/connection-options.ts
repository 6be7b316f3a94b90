import { embeddedPostgres, type PostgresOptions } from './embedded/index.js';
import { ImpatientClient } from './impatient-client.js';

export interface ConnectionSettings {
  /** `postgres://user:password@host:5432/database?sslmode=verify-full`; without it the embedded database is used. */
  readonly databaseUrl?: string | undefined;
  /** The folder of the embedded database. */
  readonly dataDir: string;
  /** Whether the app runs in production, where the embedded database refuses to connect. */
  readonly production: boolean;
  /** Connections that the process may have at a time; default 10. The embedded database has one. */
  readonly poolSize?: number | undefined;
  /** Told what the embedded database is doing; default: nobody is told. */
  readonly onProgress?: (message: string) => void;
}

/**
 * A statement of the busiest routes takes well below a millisecond, so that the one thread of a process seldom has more than a few under
 * way; ten leave room for transactions that wait for a lock. And ten replicas of ten reach PostgreSQL's default limit of 100.
 */
const POOL_SIZE = 10;
/** A server that does not answer should fail a request while somebody still waits for it. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Far above any query of AuthFort: it only ends what would otherwise hold a connection, or its locks, for ever. */
const STATEMENT_TIMEOUT_MS = 10_000;

/**
 * TypeORM connection options for the database that the settings name.
 * @throws TypeError for a URL of another kind of database; the message does not repeat it, as it may hold a password.
 */
export function connectionOptions(settings: ConnectionSettings): PostgresOptions {
  if (!settings.databaseUrl) return embeddedPostgres(settings);
  return {
    type: 'postgres',
    url: driverUrl(settings.databaseUrl),
    uuidExtension: 'pgcrypto',
    // AuthFort needs no extension, and its role need not be allowed to install one.
    installExtensions: false,
    applicationName: 'authfort',
    poolSize: settings.poolSize ?? POOL_SIZE,
    connectTimeoutMS: CONNECT_TIMEOUT_MS,
    extra: {
      Client: ImpatientClient,
      // TCP keep-alive finds a connection that a firewall forgot.
      keepAlive: true,
      // A connection that is kept knows its prepared statements; and pg-pool sets no timer for it after each of them.
      idleTimeoutMillis: 0,
      // As a statement: PgBouncer refuses these settings in the start-up packet.
      onConnect: (client: { query(sql: string): Promise<unknown> }) =>
        client.query(
          `SET statement_timeout = ${STATEMENT_TIMEOUT_MS}; SET idle_in_transaction_session_timeout = ${STATEMENT_TIMEOUT_MS}`,
        ),
    },
  };
}

/**
 * The URL as pg reads it: SQLAlchemy names its driver in the scheme (`postgresql+asyncpg:`).
 * @throws TypeError when it is not the URL of a PostgreSQL database.
 */
export function driverUrl(url: string): string {
  const scheme = /^postgres(ql)?(\+\w+)?:\/\//;
  if (!scheme.test(url)) throw new TypeError('DATABASE_URL must begin with postgres:// or postgresql://');
  return url.replace(scheme, 'postgres://');
}
