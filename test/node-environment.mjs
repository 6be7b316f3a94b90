import { AsyncLocalStorage } from 'node:async_hooks';
import * as pglite from '@electric-sql/pglite';
import { TestEnvironment } from 'jest-environment-node';

/** Those that the test file, or a library that it has loaded, has used. */
const used = new Set();
const { run } = AsyncLocalStorage.prototype;
AsyncLocalStorage.prototype.run = function (...args) {
  used.add(this);
  return run.apply(this, args);
};

/** Engines of the embedded database that wait for the next test file; see recycled-engines.ts. */
const idleEngines = [];
let closing;

function closeEngines() {
  for (const { engine } of idleEngines.splice(0)) engine.close().catch(() => undefined);
}

/**
 * Jest's own, and what outlives a test file: PGlite, which takes a tenth of a second to load, and its engines.
 *
 * It also lets the AsyncLocalStorages of a test file go. Node asks each of them about every new promise for as long as the process lives,
 * and each file loads everything anew: the fortieth file of a worker would wait for the storages of the thirty-nine.
 */
export default class extends TestEnvironment {
  async setup() {
    clearTimeout(closing);
    await super.setup();
    this.global[Symbol.for('authfort.testing.pglite')] = pglite;
    this.global[Symbol.for('authfort.testing.idle-engines')] = idleEngines;
  }

  async teardown() {
    await super.teardown();
    for (const storage of used) storage.disable();
    used.clear();
    // Their timers would keep the process.
    closing = setTimeout(closeEngines, 200);
  }
}
