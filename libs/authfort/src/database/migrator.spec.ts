import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { testDatabaseUrl } from '../testing/env.js';
import { optionsOf } from './embedded/embedded-postgres.js';
import { EmbeddedServer } from './embedded/embedded-server.js';
import { EmbeddedStore } from './embedded/embedded-store.js';
import { embeddedPostgres, type PostgresOptions } from './embedded/index.js';
import { authfortMigrations } from './migrations/index.js';
import { ForeignTablesError } from './foreign-tables.js';
import { migrate, MigrationLockError, migrationStatus, revertLast } from './migrator.js';

const opened: DataSource[] = [];
const cleanUps: (() => Promise<unknown>)[] = [];
const url = testDatabaseUrl();

/** An empty cluster of the embedded database, so that each test need not make its own. */
let blank: Blob;

beforeAll(async () => {
  if (url) return;
  const server = new EmbeddedServer(new EmbeddedStore({ production: false }));
  const dataSource = await new DataSource(optionsOf(server)).initialize();
  blank = await server.dump();
  await dataSource.destroy();
});

async function open(options: PostgresOptions): Promise<DataSource> {
  const dataSource = await new DataSource(options).initialize();
  opened.push(dataSource);
  return dataSource;
}

/** Options for an empty database; they may be used for several connections where `url` is set. */
async function emptyDatabase(): Promise<PostgresOptions> {
  if (!url) return embeddedPostgres({ snapshot: blank, production: false });
  const admin = await new DataSource({ type: 'postgres', url }).initialize();
  const name = `migrator_spec_${randomBytes(6).toString('hex')}`;
  await admin.query(`CREATE DATABASE ${name}`);
  cleanUps.push(() => admin.query(`DROP DATABASE ${name} WITH (FORCE)`).finally(() => admin.destroy()));
  const target = new URL(url);
  target.pathname = `/${name}`;
  return { type: 'postgres', url: target.href, uuidExtension: 'pgcrypto', installExtensions: false };
}

afterEach(async () => {
  for (const dataSource of opened.splice(0)) await dataSource.destroy();
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const names = authfortMigrations.map(({ name }) => name);
const tables = (dataSource: DataSource): Promise<{ name: string }[]> =>
  dataSource.query(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`,
  );

/** The tables that the Python AuthFort creates in revision 006, as far as names and clashes matter. */
const PYTHON_TABLES = `
  CREATE TABLE authfort_users (id uuid PRIMARY KEY, email varchar(255) NOT NULL, email_verified boolean DEFAULT false NOT NULL,
    password_hash varchar(255), token_version integer DEFAULT 0 NOT NULL, banned boolean DEFAULT false NOT NULL,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, is_deleted boolean DEFAULT false NOT NULL);
  CREATE TABLE authfort_accounts (id uuid PRIMARY KEY, user_id uuid NOT NULL, provider varchar(50) NOT NULL, provider_account_id varchar(255));
  CREATE TABLE authfort_refresh_tokens (id uuid PRIMARY KEY, user_id uuid NOT NULL, token_hash varchar(255) NOT NULL, session_id uuid);
  CREATE TABLE authfort_signing_keys (id uuid PRIMARY KEY, kid varchar(255) NOT NULL, private_key text NOT NULL);
  CREATE TABLE authfort_user_roles (id uuid PRIMARY KEY, user_id uuid NOT NULL, role varchar(50) NOT NULL);
  CREATE TABLE authfort_verification_tokens (id uuid PRIMARY KEY, user_id uuid NOT NULL, token_hash varchar(255) NOT NULL);
  INSERT INTO authfort_users (id, email, created_at, updated_at) VALUES (gen_random_uuid(), 'ada@example.com', now(), now())`;
const ALEMBIC = `CREATE TABLE authfort_alembic_version (version_num varchar(32) NOT NULL); INSERT INTO authfort_alembic_version VALUES ('006')`;

class Good1800000000001 implements MigrationInterface {
  up = (runner: QueryRunner): Promise<unknown> => runner.query('CREATE TABLE good ()');
  down = (runner: QueryRunner): Promise<unknown> => runner.query('DROP TABLE good');
}

class Bad1800000000002 implements MigrationInterface {
  up = (runner: QueryRunner): Promise<unknown> => runner.query('CREATE TABLE half_done (); SELECT 1/0');
  down = (): Promise<unknown> => Promise.resolve();
}

class TheApps1800000000003 implements MigrationInterface {
  up = (runner: QueryRunner): Promise<unknown> => runner.query('CREATE TABLE of_the_app ()');
  down = (runner: QueryRunner): Promise<unknown> => runner.query('DROP TABLE of_the_app');
}

const entered = deferred();
const proceed = deferred();

class Slow1800000000004 implements MigrationInterface {
  up = (): Promise<void> => {
    entered.resolve();
    return proceed.promise;
  };
  down = (): Promise<void> => Promise.resolve();
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((fulfil) => (resolve = fulfil));
  return { promise, resolve };
}

describe(`the migrator (${url ? 'PostgreSQL' : 'embedded'})`, () => {
  it('applies what is pending once, tells what it did, and has nothing to do the second time', async () => {
    const dataSource = await open(await emptyDatabase());
    expect(await migrationStatus(dataSource)).toEqual(names.map((name) => ({ name, applied: false })));
    const progress: string[] = [];
    expect(await migrate(dataSource, { onProgress: (line) => progress.push(line) })).toEqual(names);
    expect(progress).toEqual(names.map((name) => `Applied migration ${name}`));
    expect(await migrate(dataSource)).toEqual([]);
    expect(await migrationStatus(dataSource)).toEqual(names.map((name) => ({ name, applied: true })));
  });

  it('takes the migrations back one by one until nothing is left, and can apply them again', async () => {
    const dataSource = await open(await emptyDatabase());
    await migrate(dataSource);
    for (const name of [...names].reverse()) expect(await revertLast(dataSource)).toBe(name);
    expect(await revertLast(dataSource)).toBeUndefined();
    expect(await tables(dataSource)).toEqual([{ name: 'authfort_migrations' }]);
    expect(await migrate(dataSource)).toEqual(names);
  });

  it('lets one of ten concurrent calls on one connection migrate', async () => {
    const dataSource = await open(await emptyDatabase());
    const results = await Promise.all(Array.from({ length: 10 }, () => migrate(dataSource)));
    expect(results.filter((applied) => applied.length > 0)).toEqual([names]);
  });

  it('leaves the tables as they were when a migration fails', async () => {
    const dataSource = await open(await emptyDatabase());
    const failing = { migrations: [Good1800000000001, Bad1800000000002] };
    await expect(migrate(dataSource, failing)).rejects.toThrow('division by zero');
    expect(await tables(dataSource)).toEqual([]);
    expect(await migrate(dataSource)).toEqual(names);
  });

  it('neither runs nor records the migrations of the app, and the app does not see its own', async () => {
    const options = await emptyDatabase();
    const dataSource = await open({ ...options, migrations: [TheApps1800000000003] });
    await migrate(dataSource);
    expect((await tables(dataSource)).map(({ name }) => name)).not.toContain('of_the_app');
    await dataSource.runMigrations();
    expect(await dataSource.query('SELECT name FROM migrations')).toEqual([
      { name: TheApps1800000000003.name },
    ]);
    expect(await dataSource.query('SELECT name FROM authfort_migrations ORDER BY id')).toEqual(
      names.map((name) => ({ name })),
    );
    expect(await revertLast(dataSource)).toBe(names.at(-1));
    expect((await tables(dataSource)).map(({ name }) => name)).toContain('of_the_app');
  });
});

(url ? describe : describe.skip)('several processes on one PostgreSQL', () => {
  it('ends with one migrated schema when ten replicas start together', async () => {
    const options = await emptyDatabase();
    const replicas = await Promise.all(Array.from({ length: 10 }, () => open({ ...options, poolSize: 1 })));
    const results = await Promise.all(replicas.map((replica) => migrate(replica)));
    expect(results.filter((applied) => applied.length > 0)).toEqual([names]);
    const [first] = replicas;
    expect(await first?.query('SELECT name FROM authfort_migrations ORDER BY id')).toEqual(
      names.map((name) => ({ name })),
    );
  });

  it('upgrades beside a running server without a deadlock', async () => {
    const options = await emptyDatabase();
    const [old, upgrading] = [await open(options), await open(options)];
    await migrate(old, { migrations: authfortMigrations.slice(0, 3) });
    const server = old.createQueryRunner();
    await server.startTransaction();
    // What a refresh locks first, and what it writes last.
    await server.query('SELECT 1 FROM authfort_refresh_tokens FOR UPDATE');
    const upgraded = migrate(upgrading);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await server.query('SELECT 1 FROM authfort_users FOR UPDATE');
    await server.query(`INSERT INTO authfort_audit_log (at, action, detail) VALUES (now(), 'login', '{}')`);
    // Longer than a session of PostgreSQL waits before it looks for deadlocks (deadlock_timeout, 1 s).
    await new Promise((resolve) => setTimeout(resolve, 1300));
    await server.commitTransaction();
    await server.release();
    expect(await upgraded).toEqual(names.slice(3));
    expect(await upgrading.query('SHOW lock_timeout')).toEqual([{ lock_timeout: '0' }]);
  });

  it('says who is in the way when the lock does not come free in time', async () => {
    const options = await emptyDatabase();
    const [busy, waiting] = [await open(options), await open(options)];
    const slow = migrate(busy, { migrations: [Slow1800000000004] });
    await entered.promise;
    await expect(migrate(waiting, { lockWaitSeconds: 0.05 })).rejects.toThrow(MigrationLockError);
    proceed.resolve();
    await slow;
    expect(await migrate(waiting)).toEqual(names);
  });
});

describe('a database with other tables of these names', () => {
  const attempts = {
    migrate: (dataSource: DataSource) => migrate(dataSource),
    migrationStatus: (dataSource: DataSource) => migrationStatus(dataSource),
    revertLast: (dataSource: DataSource) => revertLast(dataSource),
  };

  it('is named when it is one of the Python AuthFort, with the next step, and is not touched', async () => {
    const dataSource = await open(await emptyDatabase());
    await dataSource.query(PYTHON_TABLES);
    const before = await tables(dataSource);
    // Created from the models, without Alembic's table; then migrated.
    for (const prepare of ['', ALEMBIC]) {
      if (prepare) await dataSource.query(prepare);
      for (const attempt of Object.values(attempts)) {
        const error = await attempt(dataSource).then(
          () => undefined,
          (reason: Error) => reason,
        );
        expect(error).toBeInstanceOf(ForeignTablesError);
        expect(error!.message).toMatch(
          /Python AuthFort.*authfort_users.*empty database.*DATABASE_URL.*import/s,
        );
        expect(error!.message).not.toMatch(/\n|relation/);
      }
    }
    const after = (await tables(dataSource)).filter(({ name }) => name !== 'authfort_alembic_version');
    expect(after).toEqual(before);
    expect(await dataSource.query('SELECT email FROM authfort_users')).toEqual([
      { email: 'ada@example.com' },
    ]);
  });
  it('is named when it is unknown; tables with other names and other schemas do not matter', async () => {
    const dataSource = await open(await emptyDatabase());
    await dataSource.query(
      'CREATE SCHEMA py; CREATE TABLE py.authfort_users (); CREATE TABLE py.authfort_accounts ()',
    );
    await dataSource.query('CREATE TABLE authfort_reports ()');
    expect((await migrationStatus(dataSource)).every(({ applied }) => !applied)).toBe(true);
    await dataSource.query('CREATE TABLE authfort_sessions ()');
    await expect(migrate(dataSource)).rejects.toThrow(/authfort_sessions.*another database/);
    await dataSource.query('DROP TABLE authfort_sessions');
    expect(await migrate(dataSource)).toEqual(names);
  });
});
