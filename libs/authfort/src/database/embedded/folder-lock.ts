import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identifyThisProcess, livenessOf, type ProcessIdentity } from './process-identity.js';

/** One generation of the lock: who took it, and whether it was given back. */
interface Generation {
  readonly owner: ProcessIdentity;
  readonly since: string;
  readonly released: boolean;
}

/** Thrown when another process holds the folder. */
export class FolderLockedError extends Error {
  override readonly name = 'FolderLockedError';

  constructor(
    readonly owner: ProcessIdentity,
    readonly since: string,
    /** Whether that process is known to run (`alive`) or cannot be seen from here (`unknown`). */
    readonly liveness: 'alive' | 'unknown',
    /** The entry in the folder that says so. */
    readonly path: string,
  ) {
    super(`The folder is locked by process ${owner.pid} on ${owner.host}.`);
  }
}

/**
 * An exclusive lock on a folder that outlives no process. Node offers no file lock, so the lock is a series of
 * directories `lock-1`, `lock-2`, …: the highest counts, and it is held while its owner lives and has not given it back.
 *
 * Why that is race-free: a process takes generation n+1 only after it has seen that n is free, by renaming a filled
 * directory to that name, which fails when the name is taken. Numbers only grow, as the owner keeps its entry on release
 * and only marks it, and clean-up spares the last two. A process that slept between looking and taking finds a higher
 * number afterwards, and begins again.
 */
export class FolderLock {
  private constructor(
    private readonly folder: string,
    private readonly number: number,
    private readonly generation: Generation,
  ) {}

  /**
   * Takes the lock of `folder`, which must exist.
   * @throws FolderLockedError at once when another process, or this one, holds it.
   */
  static acquire(folder: string): FolderLock {
    const self = identifyThisProcess();
    for (;;) {
      const highest = generationsIn(folder).at(-1) ?? 0;
      if (highest > 0) refuseIfHeld(folder, highest, self);
      const number = highest + 1;
      const generation = { owner: self, since: new Date().toISOString(), released: false };
      if (!take(folder, number, generation)) continue;
      const now = generationsIn(folder);
      if (now.at(-1) === number) {
        for (const old of now.filter((other) => other < number - 1)) remove(folder, old);
        return new FolderLock(folder, number, generation);
      }
      remove(folder, number);
    }
  }

  /** Gives the lock back. */
  release(): void {
    // Replaced by a rename, so that nobody reads half of it.
    const path = entry(this.folder, this.number);
    const draft = join(path, 'owner.json.new');
    writeFileSync(draft, JSON.stringify({ ...this.generation, released: true }));
    renameSync(draft, join(path, 'owner.json'));
  }
}

function entry(folder: string, number: number): string {
  return join(folder, `lock-${number}`);
}

function generationsIn(folder: string): number[] {
  return readdirSync(folder)
    .map((name) => /^lock-(\d+)$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

function refuseIfHeld(folder: string, number: number, self: ProcessIdentity): void {
  const path = entry(folder, number);
  const generation = read(path);
  if (!generation || generation.released) return;
  const liveness = livenessOf(generation.owner, self);
  if (liveness !== 'dead') throw new FolderLockedError(generation.owner, generation.since, liveness, path);
}

/** Nothing when the entry went away meanwhile; entries are complete from their first moment, so that it can say no less. */
function read(path: string): Generation | undefined {
  try {
    return JSON.parse(readFileSync(join(path, 'owner.json'), 'utf8')) as Generation;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function take(folder: string, number: number, generation: Generation): boolean {
  const draft = join(folder, `lock-draft-${randomUUID()}`);
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(join(draft, 'owner.json'), JSON.stringify(generation));
  try {
    renameSync(draft, entry(folder, number));
    return true;
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // POSIX: the target is a directory that is not empty. Windows: it exists.
    if (['ENOTEMPTY', 'EEXIST', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Moved away first: half a directory left under the name could be taken by another process. */
function remove(folder: string, number: number): void {
  const trash = join(folder, `lock-trash-${randomUUID()}`);
  try {
    renameSync(entry(folder, number), trash);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  rmSync(trash, { recursive: true, force: true });
}
