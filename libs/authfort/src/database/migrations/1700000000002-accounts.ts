import type { MigrationInterface, QueryRunner } from 'typeorm';

/** One-time tokens, e-mail codes, password history, permissions, the outbox, the audit log and the indexes of the list of users. */
export class Accounts1700000000002 implements MigrationInterface {
  readonly name = 'Accounts1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    // The order of bytes, so that one index serves equality, prefixes and pages.
    await runner.query('ALTER TABLE authfort_users ALTER COLUMN email TYPE text COLLATE "C"');
    for (const statement of this.lists()) await runner.query(statement);
    await runner.query(`
      CREATE TABLE authfort_one_time_tokens (
        token_hash bytea NOT NULL CONSTRAINT authfort_one_time_tokens_pkey PRIMARY KEY,
        purpose text NOT NULL,
        user_id uuid
          CONSTRAINT authfort_one_time_tokens_user_id_fkey REFERENCES authfort_users (id) ON DELETE CASCADE,
        email text NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
      )`);
    await runner.query(
      'CREATE INDEX authfort_one_time_tokens_user_id_idx ON authfort_one_time_tokens (user_id)',
    );
    await runner.query(
      'CREATE INDEX authfort_one_time_tokens_expires_at_idx ON authfort_one_time_tokens (expires_at)',
    );
    await runner.query(`
      CREATE TABLE authfort_email_otps (
        address_hash bytea NOT NULL CONSTRAINT authfort_email_otps_pkey PRIMARY KEY,
        code_hash bytea,
        attempts integer NOT NULL,
        expires_at timestamptz NOT NULL,
        failures integer NOT NULL,
        failures_since timestamptz NOT NULL
      )`);
    await runner.query('CREATE INDEX authfort_email_otps_expires_at_idx ON authfort_email_otps (expires_at)');
    await runner.query(`
      CREATE TABLE authfort_login_attempts (
        address_hash bytea NOT NULL,
        network_hash bytea NOT NULL,
        failures integer NOT NULL,
        window_ends timestamptz NOT NULL,
        known_until timestamptz NOT NULL,
        CONSTRAINT authfort_login_attempts_pkey PRIMARY KEY (address_hash, network_hash)
      )`);
    await runner.query(
      'CREATE INDEX authfort_login_attempts_known_until_idx ON authfort_login_attempts (known_until)',
    );
    await runner.query(`
      CREATE TABLE authfort_password_history (
        id uuid NOT NULL CONSTRAINT authfort_password_history_pkey PRIMARY KEY,
        user_id uuid NOT NULL
          CONSTRAINT authfort_password_history_user_id_fkey REFERENCES authfort_users (id) ON DELETE CASCADE,
        password_hash text NOT NULL,
        replaced_at timestamptz NOT NULL
      )`);
    await runner.query(
      'CREATE INDEX authfort_password_history_user_id_idx ON authfort_password_history (user_id, replaced_at)',
    );
    await runner.query(`
      CREATE TABLE authfort_role_permissions (
        role text NOT NULL,
        permission text NOT NULL,
        granted_at timestamptz NOT NULL,
        CONSTRAINT authfort_role_permissions_pkey PRIMARY KEY (role, permission)
      )`);
    await runner.query(`
      CREATE TABLE authfort_outbox_consumers (
        consumer text NOT NULL,
        event text NOT NULL,
        seen_at timestamptz NOT NULL,
        CONSTRAINT authfort_outbox_consumers_pkey PRIMARY KEY (consumer, event)
      )`);
    await runner.query(`
      CREATE TABLE authfort_outbox (
        id uuid NOT NULL CONSTRAINT authfort_outbox_pkey PRIMARY KEY,
        event_id uuid NOT NULL,
        event text NOT NULL,
        consumer text NOT NULL,
        user_id uuid,
        payload jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        dead_at timestamptz,
        error text
      )`);
    await runner.query(
      'CREATE INDEX authfort_outbox_due_idx ON authfort_outbox (consumer, due_at) WHERE dead_at IS NULL',
    );
    await runner.query(
      'CREATE INDEX authfort_outbox_dead_idx ON authfort_outbox (dead_at, id) WHERE dead_at IS NOT NULL',
    );
    await runner.query('CREATE INDEX authfort_outbox_user_id_idx ON authfort_outbox (user_id)');
    await runner.query(`
      CREATE TABLE authfort_audit_log (
        id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT authfort_audit_log_pkey PRIMARY KEY,
        at timestamptz NOT NULL,
        action text NOT NULL,
        actor_id uuid,
        user_id uuid,
        session_id uuid,
        ip text,
        user_agent text,
        detail jsonb NOT NULL
      )`);
    await runner.query('CREATE INDEX authfort_audit_log_user_id_idx ON authfort_audit_log (user_id, id)');
    await runner.query('CREATE INDEX authfort_audit_log_actor_id_idx ON authfort_audit_log (actor_id, id)');
    await runner.query('CREATE INDEX authfort_audit_log_action_idx ON authfort_audit_log (action, id)');
    await runner.query('CREATE INDEX authfort_audit_log_at_idx ON authfort_audit_log (at)');
    // Append-only: an entry may lose its personal data, and nothing else about it may change.
    await runner.query(`
      CREATE FUNCTION authfort_audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF (NEW.id, NEW.at, NEW.action, NEW.actor_id, NEW.user_id, NEW.session_id, NEW.detail)
             IS DISTINCT FROM (OLD.id, OLD.at, OLD.action, OLD.actor_id, OLD.user_id, OLD.session_id, OLD.detail)
           OR NEW.ip IS NOT NULL AND NEW.ip IS DISTINCT FROM OLD.ip
           OR NEW.user_agent IS NOT NULL AND NEW.user_agent IS DISTINCT FROM OLD.user_agent THEN
          RAISE EXCEPTION 'authfort_audit_log is append-only';
        END IF;
        RETURN NEW;
      END $$`);
    await runner.query(`
      CREATE TRIGGER authfort_audit_log_append_only BEFORE UPDATE ON authfort_audit_log
      FOR EACH ROW EXECUTE FUNCTION authfort_audit_log_append_only()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    const tables = [
      'audit_log',
      'outbox',
      'outbox_consumers',
      'role_permissions',
      'password_history',
      'login_attempts',
      'email_otps',
      'one_time_tokens',
    ];
    for (const table of tables) await runner.query(`DROP TABLE authfort_${table}`);
    await runner.query('DROP FUNCTION authfort_audit_log_append_only()');
    for (const statement of this.undoLists()) await runner.query(statement);
    await runner.query('ALTER TABLE authfort_users ALTER COLUMN email TYPE text COLLATE "default"');
  }

  /** What the list of users and its totals are read from, each order and each single filter by an index. */
  private lists(): string[] {
    return [
      'CREATE INDEX authfort_users_created_at_idx ON authfort_users (created_at, id) WHERE deleted_at IS NULL',
      // With the moment of creation, so that the matches of a search can be put in that order without a look at the users.
      'CREATE INDEX authfort_users_live_email_idx ON authfort_users (email, created_at, id) WHERE deleted_at IS NULL',
      'CREATE INDEX authfort_users_banned_idx ON authfort_users (created_at, id) WHERE banned AND deleted_at IS NULL',
      'CREATE INDEX authfort_users_deleted_idx ON authfort_users (created_at, id) WHERE deleted_at IS NOT NULL',
      // Four different values, so it is small: the totals of all users, of the banned and of the verified are counted in it.
      'CREATE INDEX authfort_users_status_idx ON authfort_users (banned, email_verified) WHERE deleted_at IS NULL',
      // The moment of the user's creation, which never changes, so that the users of a role stand in the order of the list.
      'ALTER TABLE authfort_user_roles ADD COLUMN user_created_at timestamptz',
      'UPDATE authfort_user_roles r SET user_created_at = u.created_at FROM authfort_users u WHERE u.id = r.user_id',
      'ALTER TABLE authfort_user_roles ALTER COLUMN user_created_at SET NOT NULL',
      // By a trigger, as replicas of the version before do not know the column.
      `CREATE FUNCTION authfort_user_roles_user_created_at() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     NEW.user_created_at := (SELECT created_at FROM authfort_users WHERE id = NEW.user_id);
     RETURN NEW;
   END $$`,
      `CREATE TRIGGER authfort_user_roles_user_created_at BEFORE INSERT ON authfort_user_roles
   FOR EACH ROW EXECUTE FUNCTION authfort_user_roles_user_created_at()`,
      'DROP INDEX authfort_user_roles_role_idx',
      'CREATE INDEX authfort_user_roles_role_idx ON authfort_user_roles (role, user_created_at, user_id)',
      // A total is read from an index alone where vacuum has been since the last change; the default waits for a fifth of the table.
      `ALTER TABLE authfort_users
   SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02)`,
      `ALTER TABLE authfort_user_roles
   SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02)`,
    ];
  }

  private undoLists(): string[] {
    return [
      'ALTER TABLE authfort_users RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor)',
      'ALTER TABLE authfort_user_roles RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor)',
      'DROP TRIGGER authfort_user_roles_user_created_at ON authfort_user_roles',
      'DROP FUNCTION authfort_user_roles_user_created_at()',
      // With its index.
      'ALTER TABLE authfort_user_roles DROP COLUMN user_created_at',
      'CREATE INDEX authfort_user_roles_role_idx ON authfort_user_roles (role)',
      ...['status', 'deleted', 'banned', 'live_email', 'created_at'].map(
        (name) => `DROP INDEX authfort_users_${name}_idx`,
      ),
    ];
  }
}
