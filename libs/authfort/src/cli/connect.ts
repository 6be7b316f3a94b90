import { type Command, Option } from 'commander';
import type { DataSource } from 'typeorm';
import { readCliEnvironment } from './env.js';

export interface DatabaseFlags {
  /** Default: `DATABASE_URL`, then the embedded database in `AUTHFORT_DATA_DIR` (default `.data`). */
  readonly databaseUrl?: string;
}

/** Adds `--database-url` to a command; its action then receives `DatabaseFlags`. */
export function addDatabaseFlags(command: Command): Command {
  return command.addOption(
    new Option(
      '--database-url <url>',
      'the PostgreSQL database; otherwise DATABASE_URL, otherwise the embedded database in AUTHFORT_DATA_DIR (.data)',
    ),
  );
}

/**
 * Connects to the database that the flags or the environment name, with AuthFort's entities, and closes it after `work`.
 * @throws CommandError when there is no connection to be had.
 */
export async function withDatabase<T>(
  flags: DatabaseFlags,
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  // Loaded here, so that `--help` and a mistyped flag answer at once.
  const [{ DataSource }, { connectionOptions }, { authfortEntities }] = await Promise.all([
    import('typeorm'),
    import('../database/connection-options.js'),
    import('../database/entities.js'),
  ]);
  const environment = readCliEnvironment();
  const options = connectionOptions({
    ...environment,
    databaseUrl: flags.databaseUrl ?? environment.databaseUrl,
    onProgress: (message) => process.stderr.write(`${message}\n`),
  });
  const dataSource = await new DataSource({ ...options, entities: authfortEntities }).initialize();
  try {
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
