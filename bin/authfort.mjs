#!/usr/bin/env node
// `npx authfort` inside this repository: runs the command from its TypeScript source, so that it needs no build. Where
// only the production dependencies are installed, it runs the built library.
import { existsSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const source = new URL('libs/authfort/src/cli/main.ts', root);
const built = new URL('dist/apps/auth-server/libs/authfort/src/cli/main.js', root);

if (existsSync(source) && canCompile()) {
  // The paths of the libraries are in the repository's tsconfig.json, wherever the command is called from.
  process.env.SWC_NODE_PROJECT ??= fileURLToPath(new URL('tsconfig.json', root));
  register('@swc-node/register/esm', root);
  await import(source.href);
} else if (existsSync(built)) {
  await import(built.href);
} else {
  console.error(
    'authfort: run `npm ci` first (or `npm run build`, where only production dependencies are installed)',
  );
  process.exitCode = 1;
}

function canCompile() {
  try {
    import.meta.resolve('@swc-node/register/esm');
    return true;
  } catch {
    return false;
  }
}
