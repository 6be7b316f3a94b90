import { createHash } from 'node:crypto';
import pg from 'pg';
import { driverUrl } from '../../libs/authfort/src/database/connection-options.js';
import { progress } from '../bench-database.js';

/** How much there is. */
export interface Size {
  readonly name: string;
  readonly users: number;
  readonly refreshTokens: number;
}

const SESSIONS_OF_A_USER = 1;

/** The refresh token that session `n` (from 1) was given last: one that anybody can work out, as {@link TOKEN} does. */
export function tokenOf(n: number): string {
  return createHash('sha256').update(`bench token ${n}`).digest('base64url');
}

const TOKEN = `rtrim(translate(encode(sha256(convert_to('bench token ' || n, 'UTF8')), 'base64'), '+/', '-_'), '=')`;

/** Dropped before the rows come, and made again with them. */
const INDEXES = `
  SELECT indexname AS name, indexdef AS definition FROM pg_indexes
  WHERE tablename IN ('authfort_users', 'authfort_sessions', 'authfort_refresh_tokens') AND indexname NOT LIKE '%pkey'`;

/**
 * Fills a migrated database by SQL: users with one session each, whose chain of refresh tokens is as long as it has to be. The tokens
 * lie anywhere in the table, and the live one of each session is {@link tokenOf} its number.
 */
export async function seed(databaseUrl: string, { users, refreshTokens }: Size): Promise<void> {
  const client = new pg.Client({ connectionString: driverUrl(databaseUrl) });
  await client.connect();
  const run = async (what: string, sql: string, parameters: unknown[] = []) => {
    const start = performance.now();
    await client.query(sql, parameters);
    if (performance.now() - start > 2000)
      progress(`  ${what}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
  };
  const { rows: indexes } = await client.query<{ name: string; definition: string }>(INDEXES);
  for (const { name } of indexes) await client.query(`DROP INDEX ${name}`);
  const { rows: foreign } = await client.query<{ table: string; name: string; definition: string }>(
    `SELECT conrelid::regclass::text AS table, conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
     WHERE contype = 'f' AND conrelid IN ('authfort_sessions'::regclass, 'authfort_refresh_tokens'::regclass)`,
  );
  for (const { table, name } of foreign) await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
  await client.query('ALTER TABLE authfort_refresh_tokens DROP CONSTRAINT authfort_refresh_tokens_pkey');
  await client.query("SET maintenance_work_mem = '512MB'");
  await client.query('SET synchronous_commit = off');

  await run(
    `${users} users`,
    `INSERT INTO authfort_users (id, email, name, password_hash, email_verified, created_at)
     SELECT md5('user ' || n)::uuid, 'user' || n || '@example.com', 'User ' || n, NULL, true, now() FROM generate_series(1, $1::int) n`,
    [users],
  );
  await run(
    'their roles',
    `INSERT INTO authfort_user_roles (user_id, role, granted_at) SELECT id, 'member', now() FROM authfort_users`,
  );
  await run(
    'their sessions',
    `INSERT INTO authfort_sessions (id, user_id, amr, created_at, expires_at, ip, user_agent)
     SELECT md5('session ' || n)::uuid, md5('user ' || n)::uuid, '{pwd}', now(), now() + interval '80 days', '203.0.113.9', 'bench'
     FROM generate_series(1, $1::int) n`,
    [users * SESSIONS_OF_A_USER],
  );
  const chain = Math.max(1, Math.round(refreshTokens / users));
  await run(
    `${refreshTokens} refresh tokens`,
    `INSERT INTO authfort_refresh_tokens (token_hash, session_id, issued_at, expires_at, rotated_at, predecessor_hash)
     SELECT CASE WHEN link = 0 THEN sha256(convert_to(${TOKEN}, 'UTF8')) ELSE sha256(convert_to(n || '/' || link, 'UTF8')) END,
       md5('session ' || n)::uuid, now() - link * interval '15 minutes', now() + interval '30 days',
       CASE WHEN link > 0 THEN now() - (link - 1) * interval '15 minutes' END,
       CASE WHEN link < $2::int - 1 THEN sha256(convert_to(n || '/' || (link + 1), 'UTF8')) END
     FROM generate_series(0, $2::int - 1) link, generate_series(1, $1::int) n`,
    [users, chain],
  );
  await run(
    'the primary key of the tokens',
    'ALTER TABLE authfort_refresh_tokens ADD CONSTRAINT authfort_refresh_tokens_pkey PRIMARY KEY (token_hash)',
  );
  for (const { name, definition } of indexes) await run(name, definition);
  for (const { table, name, definition } of foreign)
    await run(name, `ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`);
  for (const table of ['users', 'user_roles', 'sessions', 'refresh_tokens'])
    await run(`vacuum of ${table}`, `VACUUM (ANALYZE) authfort_${table}`);
  await client.query('CHECKPOINT').catch(() => undefined);
  await client.end();
}
