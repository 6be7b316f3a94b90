import type { QueryRunner } from 'typeorm';

/** Thrown when the database has tables with AuthFort's names that AuthFort's migrations have not created. */
export class ForeignTablesError extends Error {
  override readonly name = 'ForeignTablesError';

  constructor(tables: readonly string[], python: boolean) {
    super(
      python
        ? `This database has the tables of the Python AuthFort (${tables.join(', ')}), which AuthFort for NestJS cannot use or migrate. Nothing was changed. Next step: create an empty database (or schema) and set DATABASE_URL to it. Keep this database: this version cannot import its accounts.`
        : `This database has tables with AuthFort's names (${tables.join(', ')}) that its migrations have not created, since the table authfort_migrations lists none. Nothing was changed. Next step: use another database (or schema), restore authfort_migrations from the backup that these tables are from, or rename the tables.`,
    );
  }
}

/** The tables that the first migration creates. */
const OURS = new Set([
  'authfort_users',
  'authfort_user_roles',
  'authfort_sessions',
  'authfort_refresh_tokens',
  'authfort_signing_keys',
]);
/** Tables that every version of the Python AuthFort has and this one does not create first. The first is Alembic's. */
const PYTHON = ['authfort_alembic_version', 'authfort_accounts', 'authfort_verification_tokens'];

/**
 * Call it while no migration is applied: the first one would fail with "relation already exists", or on half of its tables. Only the
 * schemas of the search path count. Nothing is read from the tables.
 * @throws ForeignTablesError
 */
export async function refuseForeignTables(runner: QueryRunner): Promise<void> {
  const rows = (await runner.query(
    `SELECT relname AS name FROM pg_class
     WHERE relkind IN ('r', 'p', 'v', 'm') AND starts_with(relname, 'authfort_') AND pg_table_is_visible(oid) ORDER BY relname`,
  )) as { name: string }[];
  const tables = rows.map(({ name }) => name).filter((name) => name !== 'authfort_migrations');
  const clash = tables.some((name) => OURS.has(name));
  const python = PYTHON.some((name) => tables.includes(name));
  if (tables.includes(PYTHON[0]!) || (clash && python)) throw new ForeignTablesError(tables, true);
  if (clash) throw new ForeignTablesError(tables, false);
}
