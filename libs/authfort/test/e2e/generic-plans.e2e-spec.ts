import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { preparedStatements } from '../../src/database/prepared-statement.js';
import { startServer, type TestServer } from '../harness.js';

/** What grows with the number of users. */
const LARGE =
  /Seq Scan on authfort_(users|user_roles|sessions|refresh_tokens|login_attempts|audit_log|outbox)\b/;

const SEED = [
  `INSERT INTO authfort_users (id, email, created_at)
   SELECT gen_random_uuid(), n || '@example.com', now() FROM generate_series(1, 5000) n`,
  `INSERT INTO authfort_user_roles (user_id, role, granted_at) SELECT id, 'member', now() FROM authfort_users`,
  `INSERT INTO authfort_sessions (id, user_id, amr, created_at, expires_at)
   SELECT gen_random_uuid(), id, '{pwd}', now(), now() + interval '1 day' FROM authfort_users`,
  `INSERT INTO authfort_refresh_tokens (token_hash, session_id, issued_at, expires_at)
   SELECT sha256(id::text::bytea), id, now(), expires_at FROM authfort_sessions`,
  `INSERT INTO authfort_login_attempts (address_hash, network_hash, failures, window_ends, known_until)
   SELECT sha256(id::text::bytea), '', 0, now(), now() FROM authfort_users`,
  'ANALYZE',
];

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  for (const statement of SEED) await server.dataSource.query(statement);
});
afterAll(() => server.close());

/** PostgreSQL soon plans a prepared statement once for all parameters: such a plan must not read a table from end to end. */
it('finds the rows of every prepared statement by an index, whatever the parameters', async () => {
  const plans = await server.dataSource.transaction(async (manager) => {
    await manager.query('SET LOCAL plan_cache_mode = force_generic_plan');
    const found: { name: string; plan: string }[] = [];
    // Other test files of this process may have prepared statements on tables that they made.
    const ours = preparedStatements().filter(({ sql }) => sql.includes('authfort_'));
    for (const { name, sql } of ours) {
      await manager.query(`PREPARE plan_of AS ${sql}`);
      const [{ count }] = await manager.query<[{ count: number }]>(
        `SELECT cardinality(parameter_types) AS count FROM pg_prepared_statements WHERE name = 'plan_of'`,
      );
      const nulls = Array.from({ length: count }, () => 'NULL').join(', ');
      const lines = await manager.query<{ 'QUERY PLAN': string }[]>(`EXPLAIN EXECUTE plan_of(${nulls})`);
      found.push({ name, plan: lines.map((line) => line['QUERY PLAN']).join('\n') });
      await manager.query('DEALLOCATE plan_of');
    }
    return found;
  });
  expect(plans.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^authfort_rotate_refresh_token_/),
      expect.stringMatching(/^authfort_find_users_in_sessions_/),
    ]),
  );
  for (const { name, plan } of plans) expect(`${name}\n${plan}`).not.toMatch(LARGE);
});
