#!/usr/bin/env node
// `npx authfort` inside this repository: runs the command from its TypeScript source, so that it needs no build.
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
// The paths of the libraries are in the repository's tsconfig.json, wherever the command is called from.
process.env.SWC_NODE_PROJECT ??= fileURLToPath(new URL('tsconfig.json', root));
register('@swc-node/register/esm', root);
await import(new URL('libs/authfort/src/cli/main.ts', root).href);
