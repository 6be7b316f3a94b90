import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { embeddedPostgres } from '../database/embedded/index.js';
import { authfortMigrations } from '../database/migrations/index.js';
import { callAuthfort, type Outcome, runAuthfort, runFromSource } from './run-authfort.fixture.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'authfort-cli-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const authfort = (args: string[], environment?: NodeJS.ProcessEnv): Promise<Outcome> =>
  callAuthfort(folder, args, environment);

const names = authfortMigrations.map(({ name }) => name);
const lines = (...all: string[]): string => all.map((line) => `${line}\n`).join('');

describe('authfort migrate', () => {
  it('applies, lists and takes back, on the embedded database when no URL is given', async () => {
    const first = await runAuthfort(folder, ['migrate']);
    expect(first).toMatchObject({
      code: 0,
      stdout: lines(...names.map((name) => `Applied migration ${name}`), 'The database is up to date.'),
      stderr: expect.stringContaining(join(folder, '.data')),
    });
    expect(await authfort(['migrate'])).toEqual({
      code: 0,
      stdout: 'The database is up to date.\n',
      stderr: '',
    });
    expect(await authfort(['migrate', '--revert'])).toMatchObject({
      code: 0,
      stdout: `Reverted migration ${names.at(-1)}\n`,
    });
    expect(await authfort(['migrate', '--status'])).toMatchObject({
      code: 0,
      stdout: lines(
        ...names.map((name, index) => `${index < names.length - 1 ? '[x]' : '[ ]'} ${name}`),
        '1 to apply: run authfort migrate.',
      ),
    });
  }, 60_000);

  it('says in one line why it could not connect and what to do, and never shows the password', async () => {
    const password = randomBytes(8).toString('hex');
    const refused = await runAuthfort(folder, [
      'migrate',
      '--database-url',
      `postgres://ada:${password}@127.0.0.1:1/app`,
    ]);
    expect(refused).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^authfort: connect ECONNREFUSED .*is PostgreSQL running.*\n$/),
    });
    const foreign = await authfort(['migrate'], { DATABASE_URL: `mysql://ada:${password}@127.0.0.1/app` });
    expect(foreign).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^authfort: .*postgres:\/\/.*\n$/),
    });
    expect(JSON.stringify([refused, foreign])).not.toContain(password);
  });

  it('names a database of the Python AuthFort in one line, for every form of the command', async () => {
    const options = embeddedPostgres({ dataDir: join(folder, '.data'), production: false });
    const database = await new DataSource(options).initialize();
    await database.query(
      'CREATE TABLE authfort_users (id uuid); CREATE TABLE authfort_alembic_version (version_num text)',
    );
    await database.destroy();
    for (const args of [['migrate'], ['migrate', '--status'], ['migrate', '--revert']]) {
      expect(await authfort(args)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /authfort: This database has the tables of the Python AuthFort \(authfort_alembic_version, authfort_users\).*Next step: .*\n$/,
        ),
      });
    }
  });

  it('does not fall back to the embedded database in production', async () => {
    const outcome = await authfort(['migrate'], { NODE_ENV: 'production' });
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining('set DATABASE_URL') });
  });

  it('refuses flags that contradict each other, and flags it does not know', async () => {
    expect(await authfort(['migrate', '--status', '--revert'])).toMatchObject({ code: 1 });
    expect(await runFromSource(folder, ['migrate', '--nope'])).toMatchObject({ code: 1 });
  });
});
