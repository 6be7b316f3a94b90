import type { PGlite } from '@electric-sql/pglite';

/** What migrations note is part of a new database. */
const KEPT = 'authfort_migrations';

/** Takes all rows away, but for those that say which migrations have run, and lets sequences begin anew. */
const EMPTY = `
  DO $$
  DECLARE
    name text;
    filled boolean;
    tables text[] := '{}';
  BEGIN
    FOR name IN SELECT oid::regclass FROM pg_class
      WHERE relkind IN ('r', 'p') AND oid >= 16384 AND relname <> '${KEPT}'
    LOOP
      EXECUTE format('SELECT EXISTS (SELECT FROM %s)', name) INTO filled;
      IF filled THEN tables := tables || name; END IF;
    END LOOP;
    IF tables <> '{}' THEN
      EXECUTE format('TRUNCATE %s RESTART IDENTITY CASCADE', array_to_string(tables, ', '));
    END IF;
  END $$`;

/** Catalogs that hold little but what was made here. */
const WHOLE = [
  'authid',
  'auth_members',
  'db_role_setting',
  'default_acl',
  'event_trigger',
  'extension',
  'foreign_server',
  'largeobject_metadata',
  'policy',
  'publication',
  'replication_origin',
];

/** The others, by the column that is 16384 or more in what was made here. */
const MADE_HERE = {
  attribute: 'attrelid',
  attrdef: 'adrelid',
  collation: 'oid',
  constraint: 'oid',
  description: 'objoid',
  enum: 'oid',
  index: 'indexrelid',
  language: 'oid',
  namespace: 'oid',
  operator: 'oid',
  proc: 'oid',
  rewrite: 'oid',
  sequence: 'seqrelid',
  statistic: 'starelid',
  statistic_ext: 'oid',
  trigger: 'oid',
  type: 'oid',
};

/** What emptying a table and counting its rows change. */
const PHYSICAL = ['relfilenode', 'relpages', 'reltuples', 'relallvisible', 'relfrozenxid', 'relminmxid'];

const SELECTS = [
  ...WHOLE.map((catalog) => `SELECT '${catalog}' || x::text AS line FROM pg_${catalog} x`),
  ...Object.entries(MADE_HERE).map(
    ([catalog, column]) => `SELECT '${catalog}' || x::text FROM pg_${catalog} x WHERE ${column} >= 16384`,
  ),
  `SELECT (to_jsonb(x) - '{${PHYSICAL.join(',')}}'::text[])::text FROM pg_class x WHERE oid >= 16384`,
  `SELECT 'public' || nspacl::text FROM pg_namespace WHERE nspname = 'public'`,
  `SELECT datname || coalesce(datacl::text, '') || datconnlimit FROM pg_database`,
  `SELECT name || setting FROM pg_file_settings`,
  `SELECT x::text FROM ${KEPT} x`,
];
const FINGERPRINT = `SELECT md5(string_agg(line, E'\\n' ORDER BY line)) AS fingerprint FROM (${SELECTS.join(' UNION ALL ')}) lines`;

/** Leaves nothing behind that its last session began. */
export async function endSession(engine: PGlite): Promise<void> {
  for (const statement of ['ROLLBACK', 'DISCARD ALL']) await engine.exec(statement);
}

/** Removes all rows. */
export async function emptyTables(engine: PGlite): Promise<void> {
  await engine.exec(EMPTY);
  // Or the log of all that was ever written would stay in memory.
  await engine.exec('CHECKPOINT');
}

/** A digest of all that a database is except for its rows: schema, roles, settings, statistics of the planner, migrations that ran. */
export async function fingerprintOf(engine: PGlite): Promise<string> {
  const { rows } = await engine.query<{ fingerprint: string }>(FINGERPRINT);
  return rows[0]!.fingerprint;
}
