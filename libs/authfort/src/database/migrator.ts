import {
  type DataSource,
  type Logger,
  MigrationExecutor,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';
import { refuseForeignTables } from './foreign-tables.js';
import { authfortMigrations } from './migrations/index.js';
import { patiently } from './impatient-client.js';

/** Where the names of AuthFort's applied migrations are kept, beside the app's own table of migrations. */
export const MIGRATIONS_TABLE = 'authfort_migrations';

/** Any number that the app's own advisory locks do not use: "AuthFort" as eight ASCII bytes. */
const LOCK_KEY = '4716804175947592308';
const LOCK_NOT_AVAILABLE = '55P03';

export interface MigratorOptions {
  /** Told each step in one line; default: nobody is told. */
  readonly onProgress?: (message: string) => void;
  /** How long to wait, in seconds, for another process that is migrating; default 60. */
  readonly lockWaitSeconds?: number;
  /** The migrations, oldest first; default: AuthFort's. */
  readonly migrations?: readonly (new () => MigrationInterface)[];
}

export interface MigrationStatus {
  readonly name: string;
  readonly applied: boolean;
}

/** Thrown when another process kept the migration lock for longer than `lockWaitSeconds`. */
export class MigrationLockError extends Error {
  override readonly name = 'MigrationLockError';

  constructor(seconds: number) {
    super(
      `Another process has been migrating this database for more than ${seconds} s. Wait for it to end, or look for it in pg_locks (locktype 'advisory'), and try again.`,
    );
  }
}

/**
 * Brings AuthFort's tables up to date on the app's own connection, and returns the names of the migrations applied now
 * (none when it was up to date). The app's own migrations are neither run nor seen.
 *
 * All of it is one transaction under an advisory lock: of any number of replicas that start together one migrates and
 * the others find it done, and a migration that fails leaves the tables as they were.
 * @throws MigrationLockError, ForeignTablesError
 */
export async function migrate(dataSource: DataSource, options: MigratorOptions = {}): Promise<string[]> {
  // Without this look, every start would need the right to create tables, and would queue for the lock.
  const pending = (await migrationStatus(dataSource, options)).filter(({ applied }) => !applied);
  if (pending.length === 0) return [];
  const applied = await underLock(dataSource, options, (executor) => executor.executePendingMigrations());
  for (const { name } of applied) options.onProgress?.(`Applied migration ${name}`);
  return applied.map(({ name }) => name);
}

/**
 * Lists AuthFort's migrations, oldest first, and whether each has been applied. Changes nothing.
 * @throws ForeignTablesError
 */
export async function migrationStatus(
  dataSource: DataSource,
  { migrations = authfortMigrations }: MigratorOptions = {},
): Promise<MigrationStatus[]> {
  const runner = dataSource.createQueryRunner();
  try {
    const view = viewOf(dataSource, migrations);
    const executed = await new MigrationExecutor(view, runner).getExecutedMigrations();
    if (executed.length === 0) await refuseForeignTables(runner);
    const applied = new Set(executed.map(({ name }) => name));
    return view.migrations
      .map((migration) => migration.name ?? migration.constructor.name)
      .map((name) => ({ name, applied: applied.has(name) }));
  } finally {
    await runner.release();
  }
}

/**
 * Takes back the migration that was applied last, with the data that it brought, and returns its name; nothing when
 * none is applied.
 * @throws MigrationLockError
 */
export async function revertLast(
  dataSource: DataSource,
  options: MigratorOptions = {},
): Promise<string | undefined> {
  const reverted = await underLock(dataSource, options, async (executor, runner) => {
    const [last] = await executor.getExecutedMigrations();
    if (!last) await refuseForeignTables(runner);
    if (last) await executor.undoLastMigration();
    return last?.name;
  });
  if (reverted) options.onProgress?.(`Reverted migration ${reverted}`);
  return reverted;
}

/**
 * Runs `work` in one transaction that holds the migration lock. The lock belongs to the transaction, not to the session,
 * so that it also holds behind a transaction pooler and ends with a process that dies.
 */
async function underLock<T>(
  dataSource: DataSource,
  options: MigratorOptions,
  work: (executor: MigrationExecutor, runner: QueryRunner) => Promise<T>,
): Promise<T> {
  const runner = dataSource.createQueryRunner();
  try {
    // READ COMMITTED: what another process applied while this one waited must be seen.
    await runner.startTransaction('READ COMMITTED');
    return await patiently(await runner.connect(), async () => {
      await takeLock(runner, options.lockWaitSeconds ?? 60);
      const result = await work(
        new MigrationExecutor(viewOf(dataSource, options.migrations), runner),
        runner,
      );
      await runner.commitTransaction();
      return result;
    });
  } catch (error) {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
    throw error;
  } finally {
    await runner.release();
  }
}

async function takeLock(runner: QueryRunner, seconds: number): Promise<void> {
  // A migration may take longer than the app allows a query to take.
  await runner.query('SET LOCAL statement_timeout = 0');
  await runner.query(`SET LOCAL lock_timeout = ${Math.ceil(seconds * 1000)}`);
  try {
    await runner.query('SELECT pg_advisory_xact_lock($1)', [LOCK_KEY]);
  } catch (error) {
    if ((error as { code?: string }).code === LOCK_NOT_AVAILABLE) throw new MigrationLockError(seconds);
    throw error;
  }
}

/**
 * The connection as TypeORM's executor should see it: with AuthFort's migrations instead of the app's. A `DataSource` of
 * its own would open a second connection, which the embedded database does not have.
 */
function viewOf(
  dataSource: DataSource,
  migrations: MigratorOptions['migrations'] = authfortMigrations,
): DataSource {
  return Object.create(dataSource, {
    options: { value: { ...dataSource.options, migrationsTableName: MIGRATIONS_TABLE } },
    migrations: { value: migrations.map((Migration) => new Migration()) },
    logger: { value: SILENT },
  }) as DataSource;
}

/** The caller prints what happened, and a failure is thrown: TypeORM need not tell it a second time on the console. */
const SILENT: Logger = {
  logQuery: () => undefined,
  logQueryError: () => undefined,
  logQuerySlow: () => undefined,
  logSchemaBuild: () => undefined,
  logMigration: () => undefined,
  log: () => undefined,
};
