import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { AuthFortModule } from '../authfort.module.js';
import { embeddedPostgres } from '../database/embedded/index.js';
import { fillDataFolder } from '../testing/embedded-test-database.js';
import { callAuthfort, runAuthfort } from './run-authfort.fixture.js';

const SECRET = 'key encryption secret of this file';
const PASSWORD = 'correct horse battery staple';

/** One database for the whole file: each command sees what the one before did. */
describe('authfort user, role, cleanup and keys', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'authfort-cli-'));
    await fillDataFolder(join(folder, '.data'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const authfort = (line: string, stdin?: string, environment = { KEY_ENCRYPTION_SECRET: '' }) =>
    callAuthfort(folder, line.split(' '), environment, stdin);
  /** Starts a server on the folder's database, and stops it. */
  async function serveOnce(keyEncryptionSecret: string | undefined): Promise<void> {
    const connection = embeddedPostgres({ dataDir: join(folder, '.data'), production: false });
    const module = await Test.createTestingModule({
      imports: [
        TypeOrmModule.forRoot({ ...connection, autoLoadEntities: true }),
        AuthFortModule.forRoot({ keyEncryptionSecret }),
      ],
    }).compile();
    try {
      await module.init();
    } finally {
      await module.close();
    }
  }
  const keys = async (line: string) => {
    const { code, stdout } = await authfort(`keys ${line}`, undefined, { KEY_ENCRYPTION_SECRET: SECRET });
    expect(code).toBe(0);
    return stdout;
  };
  const kidOf = (listed: string, line: RegExp) =>
    listed
      .split('\n')
      .find((row) => line.test(row))
      ?.split(/\s+/)[1];

  it('makes a user with roles, and never shows the password', async () => {
    const line = 'user create --email Root@Example.com --role admin --role editor --password-stdin';
    const made = await runAuthfort(folder, line.split(' '), {}, `${PASSWORD}\n`);
    expect(made.code).toBe(0);
    expect(made.stdout).toMatch(/^Made root@example\.com \([0-9a-f-]{36}\) with admin, editor\n$/);
    expect(made.stdout + made.stderr).not.toContain(PASSWORD);
  });
  it('makes a user whose address is verified, for servers with requireVerifiedEmail', async () => {
    const line = 'user create --email ops@example.com --email-verified --password-stdin';
    const made = await runAuthfort(folder, line.split(' '), {}, `${PASSWORD}\n`);
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect(made.stdout).toMatch(/^Made ops@example\.com \([0-9a-f-]{36}\), address verified\n$/);
  });
  it('asks for a terminal or --password-stdin, in one line', async () => {
    const asked = await authfort('user create --email new@example.com');
    expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('--password-stdin')]);
  });
  it('gives and takes roles', async () => {
    expect((await authfort('role add root@example.com auditor')).stdout).toBe(
      'root@example.com: admin, auditor, editor\n',
    );
    expect((await authfort('role remove ROOT@example.com editor')).stdout).toBe(
      'root@example.com: admin, auditor\n',
    );
    const unknown = await authfort('role add nobody@example.com admin');
    expect([unknown.code, unknown.stderr]).toEqual([1, 'authfort: There is no such user\n']);
  });
  it('cleans up, but leaves the audit log alone unless it is told how long that is kept', async () => {
    const { code, stdout } = await authfort('cleanup');
    expect([code, stdout.split('\n')]).toEqual([
      0,
      expect.arrayContaining(['sessions: 0', 'auditEntries: kept (see --audit-retention)']),
    ]);
    expect((await authfort('cleanup --audit-retention 86400')).stdout).toContain('\nauditEntries: 0\n');
  });
  it('makes no keys: that is the server’s', async () => {
    expect((await authfort('keys list')).stdout).toMatch(/^There are no keys yet/);
  });
  it('makes no key in clear, and replaces those that are', async () => {
    await serveOnce(undefined);
    const wrong = await authfort('keys rotate', undefined, { KEY_ENCRYPTION_SECRET: SECRET });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('stored in clear')]);
    await expect(serveOnce(SECRET)).rejects.toThrow('authfort keys compromise <kid> --new-secret');
    let listed = (await authfort('keys list')).stdout;
    expect(listed.match(/stored in clear/g)).toHaveLength(2);
    for (let inClear = kidOf(listed, /in clear/); inClear; inClear = kidOf(listed, /in clear/))
      listed = await keys(`compromise ${inClear} --new-secret`);
    await serveOnce(SECRET);
  });
  it('makes no key with a secret that is not the server’s, nor with one that it only found in the folder', async () => {
    const wrong = await authfort('keys rotate', undefined, { KEY_ENCRYPTION_SECRET: `${SECRET}, mistyped` });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('opens none')]);
    const kid = kidOf((await authfort('keys list')).stdout, /^current/);
    const found = await authfort(`keys compromise ${kid} --new-secret`);
    expect([found.code, found.stderr]).toEqual([
      1,
      expect.stringContaining('KEY_ENCRYPTION_SECRET is needed'),
    ]);
    const dash = await authfort('keys compromise -no-such-key');
    expect([dash.code, dash.stderr]).toEqual([1, expect.stringContaining('There is no key -no-such-key')]);
  });
  it('rotates and compromises keys', async () => {
    const rotated = await keys('rotate');
    expect(rotated.match(/^\w+/gm)).toEqual(['next', 'current', 'retiring']);
    // Not the current one yet: no cache can know it.
    expect(rotated.match(/^.*signs now/gm)).toEqual([expect.stringMatching(/^retiring/)]);
    const compromised = await keys(`compromise ${kidOf(rotated, /^current/)}`);
    expect(compromised).not.toContain(kidOf(rotated, /^current/));
    expect(kidOf(compromised, /^current/)).toBe(kidOf(rotated, /^next/));
  });
  it('is in the audit log with everything that it changed', async () => {
    const connection = embeddedPostgres({ dataDir: join(folder, '.data'), production: false });
    const dataSource = await new DataSource(connection).initialize();
    const entries = await dataSource
      .query(
        `SELECT action, actor_id, detail->>'via' AS via, detail->>'role' AS role FROM authfort_audit_log ORDER BY id`,
      )
      .finally(() => dataSource.destroy());
    const [by, key] = [
      { actor_id: null, via: 'cli' },
      { actor_id: null, via: 'cli', role: null },
    ];
    expect(entries).toEqual([
      { ...key, action: 'user_created' },
      { ...by, action: 'role_added', role: 'admin' },
      { ...by, action: 'role_added', role: 'editor' },
      { ...key, action: 'user_created' },
      { ...by, action: 'role_added', role: 'auditor' },
      { ...by, action: 'role_removed', role: 'editor' },
      ...['key_compromised', 'key_compromised', 'key_rotated', 'key_compromised'].map((action) => ({
        ...key,
        action,
      })),
    ]);
  });
});
