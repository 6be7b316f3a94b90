// PGlite as test/node-environment.mjs has loaded it, once for all test files of a process.
export const { PGlite } = globalThis[Symbol.for('authfort.testing.pglite')];
