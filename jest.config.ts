/** @jest-config-loader esbuild-register */
import { availableParallelism } from 'node:os';
import type { Config } from 'jest';

const config: Config = {
  rootDir: '.',
  roots: ['<rootDir>/libs', '<rootDir>/apps', '<rootDir>/test'],
  testRegex: ['\\.(spec|e2e-spec)\\.ts$'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/libs/.*/dist'],
  testEnvironment: '<rootDir>/test/node-environment.mjs',
  extensionsToTreatAsEsm: ['.ts', '.svelte'],
  transform: {
    '/node_modules/jose/.+\\.js$': ['@swc/jest', { module: { type: 'commonjs' } }],
    '\\.svelte(\\.js)?$': '<rootDir>/libs/authfort-client/test/svelte.transform.mjs',
    '\\.ts$': [
      '@swc/jest',
      {
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: {
            legacyDecorator: true,
            decoratorMetadata: true,
            useDefineForClassFields: false,
          },
          keepClassNames: true,
        },
      },
    ],
  },
  // jwks-rsa is CommonJS and requires jose, which is ESM only.
  transformIgnorePatterns: ['/node_modules/(?!jose/|@testing-library/svelte-core/)'],
  moduleNameMapper: {
    '^authfort$': '<rootDir>/libs/authfort/src/index.ts',
    '^authfort/embedded$': '<rootDir>/libs/authfort/src/database/embedded/index.ts',
    '^authfort/testing$': '<rootDir>/libs/authfort/src/testing/index.ts',
    '^authfort-service$': '<rootDir>/libs/authfort-service/src/index.ts',
    '^authfort-service/testing$': '<rootDir>/libs/authfort-service/src/testing/index.ts',
    '^authfort-client$': '<rootDir>/libs/authfort-client/src/index.ts',
    '^authfort-client/(react|vue|svelte)$': '<rootDir>/libs/authfort-client/src/$1/index.ts',
    '^@electric-sql/pglite$': '<rootDir>/test/pglite.mjs',
    // One Vue for the bindings and for its test library, which asks for the CommonJS build.
    '^vue$': '<rootDir>/node_modules/vue/index.js',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  // Much of this suite waits for processes and sockets.
  maxWorkers: availableParallelism() + 1,
  testTimeout: 60_000,
};

export default config;
