// Builds the demo page into dist/apps/web.
import { cpSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');
const source = join(import.meta.dirname, 'src');
const target = join(root, 'dist/apps/web');

mkdirSync(target, { recursive: true });
for (const file of ['index.html', 'style.css']) cpSync(join(source, file), join(target, file));
await build({
  entryPoints: [join(source, 'main.ts')],
  outfile: join(target, 'main.js'),
  alias: { 'authfort-client': join(root, 'libs/authfort-client/src/index.ts') },
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  sourcemap: true,
});
