import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The authentication context class of each sign-in. Every sign-in before this column had one factor. */
export class SessionAcr1700000000010 implements MigrationInterface {
  readonly name = 'SessionAcr1700000000010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE authfort_sessions ADD COLUMN acr text NOT NULL DEFAULT 'urn:authfort:acr:1fa'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE authfort_sessions DROP COLUMN acr');
  }
}
