import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What services are told of: sessions, users and keys whose access tokens are dead before their time. */
export class Revocations1700000000003 implements MigrationInterface {
  readonly name = 'Revocations1700000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE authfort_revocations (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT authfort_revocations_pkey PRIMARY KEY,
        transaction_id bigint NOT NULL,
        session_id uuid,
        user_id uuid,
        token_version integer,
        kid text,
        revoked_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
      )`);
    await runner.query(
      'CREATE INDEX authfort_revocations_transaction_id_idx ON authfort_revocations (transaction_id, id)',
    );
    await runner.query(
      'CREATE INDEX authfort_revocations_expires_at_idx ON authfort_revocations (expires_at)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE authfort_revocations');
  }
}
