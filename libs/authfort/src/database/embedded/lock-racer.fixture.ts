import { rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FolderLock, FolderLockedError } from './folder-lock.js';

/** Takes and gives back a lock as fast as it can, and dies with it in hand. Reports what happened on stdout. */
const folder = process.argv[2] ?? '';
const inside = join(folder, 'inside');
let taken = 0;
while (taken < 40) {
  let lock: FolderLock;
  try {
    lock = FolderLock.acquire(folder);
  } catch (error) {
    if (error instanceof FolderLockedError) continue;
    throw error;
  }
  // Fails when another process is inside, too.
  writeFileSync(inside, '', { flag: 'wx' });
  rmSync(inside);
  taken += 1;
  if (taken < 40) lock.release();
}
writeSync(1, `taken ${taken}\n`);
process.kill(process.pid, 'SIGKILL');
