import type { PGlite } from '@electric-sql/pglite';
import type { EngineStore } from '../database/embedded/embedded-server.js';
import { EmbeddedStore } from '../database/embedded/embedded-store.js';
import { emptyTables, endSession, fingerprintOf } from './pristine.js';

/** An engine whose database nobody needs any more. */
export interface IdleEngine {
  readonly engine: PGlite;
  /** What its database was made from. */
  readonly snapshot: string;
  /** The {@link fingerprintOf} of the new database. */
  readonly pristine: string;
}

/** Suites that run more servers than that at once start the others anew; each engine holds 130 MB and more. */
const MOST_IDLE = 2;

const IDLE = Symbol.for('authfort.testing.idle-engines');

/**
 * Where engines wait for the next test file, if the test runner has put a list there that outlives the file. Their PGlite must then do
 * so, too, and the runner closes those that are left.
 */
export function idleEngines(): IdleEngine[] | undefined {
  return (globalThis as { [IDLE]?: IdleEngine[] })[IDLE];
}

/**
 * Databases in memory, made from a snapshot: empty ones, in an engine that ran before. To start an engine takes a second of CPU, to empty
 * the tables of one a small part of that. It is not used again when anything but rows has been changed in it.
 */
export class RecycledEngines implements EngineStore {
  private readonly pristine = new WeakMap<PGlite, string>();

  constructor(
    private readonly idle: IdleEngine[],
    private readonly snapshot: { readonly name: string; load(): Promise<Blob> },
  ) {}

  /** @throws EmbeddedDatabaseError */
  async open(): Promise<PGlite> {
    const { engine, pristine } = (await this.takeIdle()) ?? (await this.startNew());
    this.pristine.set(engine, pristine);
    return engine;
  }

  async close(engine: PGlite): Promise<void> {
    const pristine = this.pristine.get(engine);
    const isUsable = pristine !== undefined && engine.ready && this.idle.length < MOST_IDLE;
    if (!isUsable) return engine.close();
    this.idle.push({ engine, snapshot: this.snapshot.name, pristine });
  }

  private async takeIdle(): Promise<IdleEngine | undefined> {
    for (let one = this.idle.pop(); one; one = this.idle.pop()) {
      if (one.snapshot === this.snapshot.name && (await becomesPristine(one))) return one;
      await one.engine.close().catch(() => undefined);
    }
    return undefined;
  }

  private async startNew(): Promise<Omit<IdleEngine, 'snapshot'>> {
    const store = new EmbeddedStore({ snapshot: await this.snapshot.load(), production: false });
    const engine = await store.open();
    return { engine, pristine: await fingerprintOf(engine) };
  }
}

async function becomesPristine({ engine, pristine }: IdleEngine): Promise<boolean> {
  try {
    await endSession(engine);
    await emptyTables(engine);
    return (await fingerprintOf(engine)) === pristine;
  } catch {
    // Broken, or something in it stands against being emptied.
    return false;
  }
}
