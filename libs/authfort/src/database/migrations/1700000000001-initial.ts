import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Users, roles, sessions, refresh tokens and signing keys. */
export class Initial1700000000001 implements MigrationInterface {
  readonly name = 'Initial1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE authfort_users (
        id uuid NOT NULL CONSTRAINT authfort_users_pkey PRIMARY KEY,
        email text NOT NULL,
        name text,
        avatar_url text,
        phone text,
        password_hash text,
        email_verified boolean NOT NULL DEFAULT false,
        mfa_enabled boolean NOT NULL DEFAULT false,
        banned boolean NOT NULL DEFAULT false,
        token_version integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        deleted_at timestamptz
      )`);
    await runner.query('CREATE UNIQUE INDEX authfort_users_email_key ON authfort_users (email)');
    await runner.query(`
      CREATE TABLE authfort_user_roles (
        user_id uuid NOT NULL
          CONSTRAINT authfort_user_roles_user_id_fkey REFERENCES authfort_users (id) ON DELETE CASCADE,
        role text NOT NULL,
        granted_at timestamptz NOT NULL,
        CONSTRAINT authfort_user_roles_pkey PRIMARY KEY (user_id, role)
      )`);
    await runner.query('CREATE INDEX authfort_user_roles_role_idx ON authfort_user_roles (role)');
    await runner.query(`
      CREATE TABLE authfort_sessions (
        id uuid NOT NULL CONSTRAINT authfort_sessions_pkey PRIMARY KEY,
        user_id uuid NOT NULL
          CONSTRAINT authfort_sessions_user_id_fkey REFERENCES authfort_users (id) ON DELETE CASCADE,
        amr text[] NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz,
        revoked_reason text,
        ip text,
        user_agent text
      )`);
    await runner.query('CREATE INDEX authfort_sessions_user_id_idx ON authfort_sessions (user_id)');
    await runner.query('CREATE INDEX authfort_sessions_expires_at_idx ON authfort_sessions (expires_at)');
    await runner.query(`
      CREATE TABLE authfort_refresh_tokens (
        token_hash bytea NOT NULL CONSTRAINT authfort_refresh_tokens_pkey PRIMARY KEY,
        session_id uuid NOT NULL
          CONSTRAINT authfort_refresh_tokens_session_id_fkey REFERENCES authfort_sessions (id) ON DELETE CASCADE,
        issued_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        rotated_at timestamptz,
        successor_salt bytea,
        predecessor_hash bytea
      )`);
    await runner.query(
      'CREATE INDEX authfort_refresh_tokens_session_id_idx ON authfort_refresh_tokens (session_id)',
    );
    await runner.query(
      'CREATE INDEX authfort_refresh_tokens_expires_at_idx ON authfort_refresh_tokens (expires_at)',
    );
    await runner.query(`
      CREATE TABLE authfort_signing_keys (
        kid text NOT NULL CONSTRAINT authfort_signing_keys_pkey PRIMARY KEY,
        algorithm text NOT NULL,
        state text NOT NULL
          CONSTRAINT authfort_signing_keys_state_check CHECK (state IN ('next', 'current', 'retiring')),
        sealed_private_key text NOT NULL,
        token_ttl_seconds integer NOT NULL,
        jwks_max_age_seconds integer NOT NULL,
        created_at timestamptz NOT NULL,
        trusted_from timestamptz NOT NULL,
        activated_at timestamptz,
        verifies_until timestamptz
      )`);
    await runner.query(
      `CREATE UNIQUE INDEX authfort_signing_keys_one_current ON authfort_signing_keys (state) WHERE state = 'current'`,
    );
    await runner.query(
      `CREATE UNIQUE INDEX authfort_signing_keys_one_next ON authfort_signing_keys (state) WHERE state = 'next'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['signing_keys', 'refresh_tokens', 'sessions', 'user_roles', 'users']) {
      await runner.query(`DROP TABLE authfort_${table}`);
    }
  }
}
