import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { driverUrl } from '../libs/authfort/src/database/connection-options.js';

/** What `bench/run.mjs` gives to every bench. */
export interface BenchOptions {
  /** A PostgreSQL whose user may create databases. */
  readonly databaseUrl: string;
  /** How often each case is measured; the quietest round counts. */
  readonly rounds: number;
  /** On the embedded database instead. */
  readonly embedded: boolean;
}

/** Says on stderr what is going on; the results go to stdout. */
export function progress(message: string): void {
  process.stderr.write(`${message}\n`);
}

/** Gives `work` the URL of a new database, and drops it afterwards: also after a failure and after Ctrl-C. */
export async function withDatabase<T>(url: string, work: (url: string) => Promise<T>): Promise<T> {
  const name = `authfort_bench_${randomBytes(6).toString('hex')}`;
  const admin = new pg.Client({ connectionString: driverUrl(url) });
  await admin.connect();
  const drop = () => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  const stop = () => void drop().finally(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await admin.query(`CREATE DATABASE ${name} TEMPLATE template0`);
    const own = new URL(driverUrl(url));
    own.pathname = `/${name}`;
    return await work(own.href);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await drop();
    await admin.end();
  }
}
