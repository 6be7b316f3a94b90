import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { developmentSecret } from './development-secret.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'authfort-secret-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('developmentSecret', () => {
  it('is made once for a folder, which it creates, and differs between folders', () => {
    const secret = developmentSecret(join(folder, 'a', 'b'));
    expect(Buffer.from(secret, 'base64')).toHaveLength(32);
    expect(developmentSecret(join(folder, 'a', 'b'))).toBe(secret);
    expect(developmentSecret(join(folder, 'c'))).not.toBe(secret);
  });

  it('is readable by its owner alone, and leaves no draft', () => {
    developmentSecret(folder);
    expect(readdirSync(folder)).toEqual(['development-secret']);
    expect(statSync(join(folder, 'development-secret')).mode & 0o777).toBe(0o600);
  });
});
