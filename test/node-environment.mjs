import { AsyncLocalStorage } from 'node:async_hooks';
import { TestEnvironment } from 'jest-environment-node';

/** Those that the test file, or a library that it has loaded, has used. */
const used = new Set();
const { run } = AsyncLocalStorage.prototype;
AsyncLocalStorage.prototype.run = function (...args) {
  used.add(this);
  return run.apply(this, args);
};

/**
 * Jest's own, which also lets the AsyncLocalStorages of a test file go. Node asks each of them about every new promise for as long as the
 * process lives, and each file loads everything anew: the fortieth file of a worker would wait for the storages of the thirty-nine.
 */
export default class extends TestEnvironment {
  async teardown() {
    await super.teardown();
    for (const storage of used) storage.disable();
    used.clear();
  }
}
