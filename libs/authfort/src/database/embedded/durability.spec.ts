import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DataSource } from 'typeorm';
import { compiled, SHORT_LIVED } from '../../../../../test/system/compiled.js';
import { fillDataFolder } from '../../testing/embedded-test-database.js';
import { embeddedPostgres } from './embedded-postgres.js';
import { FolderLock, FolderLockedError } from './folder-lock.js';

let folder: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'authfort-durability-'));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function run(fixture: string): ChildProcess {
  const file = compiled(`libs/authfort/src/database/embedded/${fixture}`);
  const child = spawn(process.execPath, [...SHORT_LIVED, file, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

/** Kills the writer once it has said `enough`; returns the highest number that it acknowledged. */
async function writeUntil(enough: (line: string, count: number) => boolean): Promise<number> {
  const child = run('crash-writer.fixture.ts');
  const gone = once(child, 'exit');
  let acknowledged = 0;
  let count = 0;
  for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
    if (line !== 'creating') acknowledged = Number(line);
    if (enough(line, (count += 1))) child.kill('SIGKILL');
  }
  await gone;
  return acknowledged;
}

describe('kill -9', () => {
  it('loses no acknowledged transaction and leaves no half of one, twice over', async () => {
    await fillDataFolder(folder);
    let acknowledged = 0;
    for (let round = 0; round < 2; round += 1) {
      const stopAt = 1 + Math.floor(Math.random() * 150);
      acknowledged = Math.max(acknowledged, await writeUntil((_line, count) => count > stopAt));
      const dataSource = await new DataSource(
        embeddedPostgres({ dataDir: folder, production: false }),
      ).initialize();
      const pairs = await dataSource.query(
        'SELECT n, count(*)::int AS halves FROM pair GROUP BY n ORDER BY n',
      );
      await dataSource.destroy();
      // One more than was acknowledged may be there: the writer died between the commit and the word.
      expect([acknowledged, acknowledged + 1]).toContain(pairs.length);
      expect(pairs).toEqual(pairs.map((_: unknown, index: number) => ({ n: index + 1, halves: 2 })));
    }
  }, 120_000);

  it('during the first start costs nothing but that start', async () => {
    await writeUntil((line) => line === 'creating');
    const dataSource = await new DataSource(
      embeddedPostgres({ dataDir: folder, production: false }),
    ).initialize();
    expect(await dataSource.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await dataSource.destroy();
  }, 60_000);
});

describe('two processes on one folder', () => {
  it('refuses the second and says which process has it', async () => {
    await fillDataFolder(folder);
    let refusal: unknown;
    const child = run('crash-writer.fixture.ts');
    for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
      if (line === 'creating') continue;
      const dataSource = new DataSource(embeddedPostgres({ dataDir: folder, production: false }));
      refusal = await dataSource.initialize().catch((error: unknown) => error);
      break;
    }
    expect(refusal).toMatchObject({
      code: 'embedded_database_in_use',
      message: expect.stringContaining(`process ${child.pid} (crash-writer.fixture.js)`),
    });
  }, 60_000);

  it('lets one at a time have the lock, also when owners die with it', async () => {
    const racers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const child = run('lock-racer.fixture.ts');
        const gone = once(child, 'exit');
        const lines: string[] = [];
        for await (const line of createInterface({ input: child.stdout ?? process.stdin })) lines.push(line);
        await gone;
        return lines;
      }),
    );
    expect(racers).toEqual(Array.from({ length: 4 }, () => ['taken 40']));
    const lock = FolderLock.acquire(folder);
    expect(() => FolderLock.acquire(folder)).toThrow(FolderLockedError);
    lock.release();
  }, 60_000);
});
