import { createRequire, register } from 'node:module';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';
import { setTestGlobals } from './globals.mjs';

/*
 * A test runner for Jest (option `testRunner`) that imports test files with Node's own module loader. Jest's default runner evaluates
 * every module again for every test file, which took 40 % of the suite's CPU time. Here the test files of a worker share their modules,
 * and V8 keeps their optimized code. jest-circus provides hooks, time limits and reports.
 */
const require = createRequire(import.meta.url);
const circus = join(dirname(require.resolve('jest-circus/package.json')), 'build', 'jestAdapterInit.js');

// TypeScript and the paths of tsconfig.json; then `@jest/globals`, which refuses to load outside of Jest's sandbox.
register('@swc-node/register/esm', import.meta.url);
register('./resolve-hooks.mjs', import.meta.url);

const mocker = new ModuleMocker(globalThis);

/** Engines of the embedded database that wait for the next test file; see recycled-engines.ts. */
const idleEngines = (globalThis[Symbol.for('authfort.testing.idle-engines')] = []);
let closing;

/** Called by Jest for each test file. */
export default async function run(globalConfig, config, environment, runtime, testPath, sendMessageToJest) {
  const { initialize, runAndTransformResultsToJestFormat } = freshCircus();
  const timers = new ModernFakeTimers({ config, global: globalThis });
  const restoreEnvironment = rememberEnvironment();
  clearTimeout(closing);
  try {
    await initialize({
      config,
      environment,
      globalConfig,
      localRequire: require,
      parentProcess: process,
      runtime,
      sendMessageToJest,
      setGlobalsForRuntime: (globals) => setTestGlobals({ ...globals, jest: jestObject(timers) }),
      testPath,
    });
    await import(pathToFileURL(testPath).href);
    const now = performance.now();
    return await runAndTransformResultsToJestFormat({
      config,
      globalConfig,
      setupAfterEnvPerfStats: { setupAfterEnvStart: now, setupAfterEnvEnd: now },
      testPath,
    });
  } finally {
    timers.useRealTimers();
    mocker.restoreAllMocks();
    restoreEnvironment();
    // The timers of the engines would keep the process alive after the last file.
    closing = setTimeout(closeEngines, 100);
  }
}

function closeEngines() {
  for (const { engine } of idleEngines.splice(0)) engine.close().catch(() => undefined);
}

/** jest-circus keeps the tests of a file in its module and its event handlers in a global. */
function freshCircus() {
  delete globalThis[Symbol.for('EVENT_HANDLERS')];
  delete require.cache[circus];
  return require(circus);
}

function jestObject(timers) {
  return {
    fn: mocker.fn.bind(mocker),
    spyOn: mocker.spyOn.bind(mocker),
    restoreAllMocks: () => mocker.restoreAllMocks(),
    useFakeTimers: (options) => timers.useFakeTimers(options),
    useRealTimers: () => timers.useRealTimers(),
    advanceTimersByTimeAsync: (milliseconds) => timers.advanceTimersByTimeAsync(milliseconds),
  };
}

function rememberEnvironment() {
  const environment = { ...process.env };
  return () => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
  };
}
