import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Evidence for the detection of stolen refresh tokens, and the indexes that keep the look-ups of sessions short. */
export class TheftDetection1700000000005 implements MigrationInterface {
  readonly name = 'TheftDetection1700000000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE authfort_refresh_tokens
        ADD COLUMN rotated_network bytea,
        ADD COLUMN rotated_device bytea,
        ADD COLUMN repeated_at timestamptz`);
    await runner.query(
      'ALTER TABLE authfort_sessions ADD COLUMN mark_pending boolean NOT NULL DEFAULT false',
    );
    // The newest token of a session is one probe. The index also covers what the index on session_id alone was for.
    await runner.query(
      'CREATE INDEX authfort_refresh_tokens_session_idx ON authfort_refresh_tokens (session_id, issued_at)',
    );
    await runner.query('DROP INDEX authfort_refresh_tokens_session_id_idx');
    await runner.query(
      'CREATE INDEX authfort_sessions_live_idx ON authfort_sessions (user_id, created_at, id) WHERE revoked_at IS NULL',
    );
    await runner.query(
      `CREATE INDEX authfort_sessions_session_limit_idx ON authfort_sessions (revoked_at) WHERE revoked_reason = 'session_limit'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX authfort_sessions_session_limit_idx');
    await runner.query('DROP INDEX authfort_sessions_live_idx');
    await runner.query(
      'CREATE INDEX authfort_refresh_tokens_session_id_idx ON authfort_refresh_tokens (session_id)',
    );
    await runner.query('DROP INDEX authfort_refresh_tokens_session_idx');
    await runner.query('ALTER TABLE authfort_sessions DROP COLUMN mark_pending');
    await runner.query(`
      ALTER TABLE authfort_refresh_tokens
        DROP COLUMN rotated_network, DROP COLUMN rotated_device, DROP COLUMN repeated_at`);
  }
}
