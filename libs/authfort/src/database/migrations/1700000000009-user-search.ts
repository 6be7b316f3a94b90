import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The indexes that administrators search users with: by the domain of the address, and by the words of the name. */
export class UserSearch1700000000009 implements MigrationInterface {
  readonly name = 'UserSearch1700000000009';

  async up(runner: QueryRunner): Promise<void> {
    // `email` has the collation C, which applies to the expression too. A prefix is a range in this collation.
    await runner.query(
      `CREATE INDEX authfort_users_domain_idx ON authfort_users ((split_part(email, '@', 2)), created_at, id)
       WHERE deleted_at IS NULL`,
    );
    // Built-in text search, since the database user may not be allowed to create the extension pg_trgm.
    await runner.query(
      `CREATE INDEX authfort_users_name_idx ON authfort_users USING gin (to_tsvector('pg_catalog.simple', name))
       WHERE deleted_at IS NULL AND name IS NOT NULL`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX authfort_users_name_idx');
    await runner.query('DROP INDEX authfort_users_domain_idx');
  }
}
