import type { MigrationInterface, QueryRunner } from 'typeorm';
import { lockTables } from '../lock-tables.js';

/** What this migration and those that are usually applied together with it change, up to number 10. */
const CHANGED = ['users', 'sessions', 'refresh_tokens', 'revocations', 'audit_log'].map(
  (table) => `authfort_${table}`,
);

/** The audit log records both addresses of a change of address. They are personal data, so the append-only trigger lets them go. */
export class AuditAddresses1700000000004 implements MigrationInterface {
  readonly name = 'AuditAddresses1700000000004';

  async up(runner: QueryRunner): Promise<void> {
    await lockTables(runner, CHANGED);
    await runner.query('ALTER TABLE authfort_audit_log ADD COLUMN old_email text, ADD COLUMN new_email text');
    for (const column of ['old_email', 'new_email'])
      await runner.query(
        `CREATE INDEX authfort_audit_log_${column}_idx ON authfort_audit_log (${column}) WHERE ${column} IS NOT NULL`,
      );
    await runner.query(appendOnly(['ip', 'user_agent', 'old_email', 'new_email']));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(appendOnly(['ip', 'user_agent']));
    // With their indexes.
    await runner.query('ALTER TABLE authfort_audit_log DROP COLUMN old_email, DROP COLUMN new_email');
  }
}

/** @param erasable the columns that may become NULL; nothing else of an entry changes */
function appendOnly(erasable: readonly string[]): string {
  const fixed = ['id', 'at', 'action', 'actor_id', 'user_id', 'session_id', 'detail'];
  const row = (version: string) => `(${fixed.map((column) => `${version}.${column}`).join(', ')})`;
  const changed = erasable.map(
    (column) => `NEW.${column} IS NOT NULL AND NEW.${column} IS DISTINCT FROM OLD.${column}`,
  );
  return `
    CREATE OR REPLACE FUNCTION authfort_audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF ${row('NEW')} IS DISTINCT FROM ${row('OLD')} OR ${changed.join(' OR ')} THEN
        RAISE EXCEPTION 'authfort_audit_log is append-only';
      END IF;
      RETURN NEW;
    END $$`;
}
