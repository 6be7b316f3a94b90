import type { MigrationInterface, QueryRunner } from 'typeorm';

/** All sessions of a user end by a change of the user's row: see `AllSessionsRepository`. */
export class EndAllSessions1700000000007 implements MigrationInterface {
  readonly name = 'EndAllSessions1700000000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE authfort_users
        ADD COLUMN sessions_from integer NOT NULL DEFAULT 0,
        ADD COLUMN sessions_ended_at timestamptz`);
    await runner.query(`
      ALTER TABLE authfort_sessions
        ADD COLUMN version integer NOT NULL DEFAULT 0,
        ADD COLUMN kept_tokens_from integer`);
    await runner.query(`
      ALTER TABLE authfort_revocations
        ADD COLUMN kept_session_id uuid,
        ADD COLUMN kept_tokens_from integer`);
    await runner.query(
      'CREATE INDEX authfort_users_sessions_ended_idx ON authfort_users (sessions_ended_at) WHERE sessions_ended_at IS NOT NULL',
    );
    // Servers of the version before run beside those of this one during an upgrade, and open sessions without a version.
    await runner.query(`
      CREATE FUNCTION authfort_sessions_version() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.version := coalesce((SELECT sessions_from FROM authfort_users WHERE id = NEW.user_id), 0);
        RETURN NEW;
      END $$`);
    await runner.query(`
      CREATE TRIGGER authfort_sessions_version BEFORE INSERT ON authfort_sessions
      FOR EACH ROW WHEN (NEW.version = 0) EXECUTE FUNCTION authfort_sessions_version()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER authfort_sessions_version ON authfort_sessions');
    await runner.query('DROP FUNCTION authfort_sessions_version()');
    await runner.query('DROP INDEX authfort_users_sessions_ended_idx');
    await runner.query(
      'ALTER TABLE authfort_revocations DROP COLUMN kept_session_id, DROP COLUMN kept_tokens_from',
    );
    await runner.query('ALTER TABLE authfort_sessions DROP COLUMN version, DROP COLUMN kept_tokens_from');
    await runner.query('ALTER TABLE authfort_users DROP COLUMN sessions_from, DROP COLUMN sessions_ended_at');
  }
}
