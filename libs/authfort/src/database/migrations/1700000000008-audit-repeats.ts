import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Events that a client can repeat without limit are one audit entry a minute, with a count. */
export class AuditRepeats1700000000008 implements MigrationInterface {
  readonly name = 'AuditRepeats1700000000008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE authfort_audit_log ADD COLUMN repeats integer NOT NULL DEFAULT 1');
    await runner.query('ALTER TABLE authfort_audit_log ADD COLUMN repeat_key bytea');
    await runner.query(
      'CREATE UNIQUE INDEX authfort_audit_log_repeat_key_idx ON authfort_audit_log (repeat_key) WHERE repeat_key IS NOT NULL',
    );
    // The log stays append-only: a count may rise, and a key may be erased with the personal data that it was made from.
    await runner.query(`
      CREATE FUNCTION authfort_audit_log_repeats() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.repeats < OLD.repeats
           OR NEW.repeat_key IS NOT NULL AND NEW.repeat_key IS DISTINCT FROM OLD.repeat_key THEN
          RAISE EXCEPTION 'authfort_audit_log is append-only';
        END IF;
        RETURN NEW;
      END $$`);
    await runner.query(`
      CREATE TRIGGER authfort_audit_log_repeats BEFORE UPDATE ON authfort_audit_log
      FOR EACH ROW EXECUTE FUNCTION authfort_audit_log_repeats()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER authfort_audit_log_repeats ON authfort_audit_log');
    await runner.query('DROP FUNCTION authfort_audit_log_repeats()');
    await runner.query('DROP INDEX authfort_audit_log_repeat_key_idx');
    await runner.query('ALTER TABLE authfort_audit_log DROP COLUMN repeat_key');
    await runner.query('ALTER TABLE authfort_audit_log DROP COLUMN repeats');
  }
}
