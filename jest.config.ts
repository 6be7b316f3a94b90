/** @jest-config-loader esbuild-register */
import { availableParallelism } from 'node:os';
import type { Config } from 'jest';

const bindings = 'libs/authfort-client/src/(react|svelte|vue)/';

/** Test files are imported by Node itself: see test/runner/native-runner.mjs. */
const native: Config = {
  displayName: 'node',
  rootDir: '.',
  roots: ['<rootDir>/libs', '<rootDir>/apps', '<rootDir>/test'],
  testRegex: ['\\.(spec|e2e-spec)\\.ts$'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', bindings],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/libs/.*/dist'],
  testRunner: '<rootDir>/test/runner/native-runner.mjs',
};

/** The bindings of the browser client need a document, so Jest's own sandbox. */
const dom: Config = {
  displayName: 'dom',
  rootDir: '.',
  roots: ['<rootDir>/libs/authfort-client/src'],
  testRegex: [`${bindings}.*\\.spec\\.ts$`],
  extensionsToTreatAsEsm: ['.ts', '.svelte'],
  transform: {
    '\\.svelte(\\.js)?$': '<rootDir>/libs/authfort-client/test/svelte.transform.mjs',
    '\\.ts$': ['@swc/jest', { module: { type: 'es6' }, jsc: { target: 'es2023' } }],
  },
  transformIgnorePatterns: ['/node_modules/(?!@testing-library/svelte-core/)'],
  moduleNameMapper: {
    '^authfort-client$': '<rootDir>/libs/authfort-client/src/index.ts',
    '^authfort-client/(react|vue|svelte)$': '<rootDir>/libs/authfort-client/src/$1/index.ts',
    // One Vue for the bindings and for its test library, which asks for the CommonJS build.
    '^vue$': '<rootDir>/node_modules/vue/index.js',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
};

const config: Config = {
  projects: [native, dom],
  // Much of this suite waits for processes and sockets.
  maxWorkers: availableParallelism() + 1,
  testTimeout: 60_000,
};

export default config;
