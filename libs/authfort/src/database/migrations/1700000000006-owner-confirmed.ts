import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether the holder of an account and the owner of its address are known to be one person. Accounts that are verified already count as such. */
export class OwnerConfirmed1700000000006 implements MigrationInterface {
  readonly name = 'OwnerConfirmed1700000000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE authfort_users ADD owner_confirmed boolean NOT NULL DEFAULT false');
    await runner.query('UPDATE authfort_users SET owner_confirmed = true WHERE email_verified');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE authfort_users DROP COLUMN owner_confirmed');
  }
}
