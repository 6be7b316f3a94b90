// Prints how large the core of the browser client is in a bundle, minified and gzipped; ends with 1 when it is more than 5 kB.
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const LIMIT = 5000;
const root = resolve(import.meta.dirname, '..');
const { outputFiles } = await build({
  stdin: {
    contents: `export { createAuthClient } from './libs/authfort-client/src/index.ts'`,
    resolveDir: root,
  },
  tsconfig: `${root}/libs/authfort-client/tsconfig.json`,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  write: false,
});
const { contents } = outputFiles[0];
const size = gzipSync(contents, { level: 9 }).length;
console.log(
  `authfort-client: ${size} bytes minified and gzipped (${contents.length} minified); the limit is ${LIMIT}`,
);
process.exitCode = size > LIMIT ? 1 : 0;
