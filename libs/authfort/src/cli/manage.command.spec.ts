import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Outcome, runAuthfort } from './run-authfort.fixture.js';

const PASSWORD = 'correct horse battery staple';

/** One database for the whole file: each command sees what the one before did. */
describe('authfort user, role and keys', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'authfort-cli-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const authfort = (line: string, stdin?: string): Promise<Outcome> =>
    runAuthfort(folder, line.split(' '), {}, stdin);
  const keys = async (line = 'keys list') =>
    (await authfort(line)).stdout
      .trim()
      .split('\n')
      .map((row) => row.split(/\s{2,}/) as [state: string, kid: string]);
  const kid = (rows: [string, string][], state: string) =>
    rows.find(([candidate]) => candidate === state)?.[1];

  it('makes a user with roles, and never shows the password', async () => {
    const made = await authfort(
      'user create --email Root@Example.com --role admin --role editor --password-stdin',
      `${PASSWORD}\n`,
    );
    expect(made.code).toBe(0);
    expect(made.stdout).toMatch(/^Made root@example\.com \([0-9a-f-]{36}\) with admin, editor\n$/);
    expect(made.stdout + made.stderr).not.toContain(PASSWORD);
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
  it('lists, rotates and compromises keys, and keeps them sealed with the secret of the folder', async () => {
    const before = await keys();
    expect(before.map(([state]) => state)).toEqual(['next', 'current']);
    const rotated = await keys('keys rotate');
    expect(rotated.map(([state]) => state)).toEqual(['next', 'current', 'retiring']);
    expect(kid(rotated, 'current')).toBe(kid(before, 'next'));
    const compromised = await keys(`keys compromise ${kid(rotated, 'current')}`);
    expect(compromised.map(([, id]) => id)).not.toContain(kid(rotated, 'current'));
    expect(kid(compromised, 'current')).toBe(kid(rotated, 'next'));
  });
});
