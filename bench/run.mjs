// `npm run bench`: runs every bench, or those named (`npm run bench -- user-list`). Exit code 1 when one is over its limit.
// DATABASE_URL: a PostgreSQL whose user may create databases (default postgres://postgres@127.0.0.1:5432/postgres).
// --embedded: on the embedded database, those that can run there; nothing is judged then.
// BENCH_ROUNDS: how often each case is measured (default 5); the quietest round counts.
import { readdirSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';

const ENDING = '.bench.ts';
const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(ENDING))
  .map((file) => file.slice(0, -ENDING.length));
const embedded = process.argv.includes('--embedded');
const named = process.argv.slice(2).filter((argument) => argument !== '--embedded');
const unknown = named.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`No bench is called ${unknown.join(', ')}. There are: ${known.join(', ')}`);
  process.exit(1);
}

process.env.SWC_NODE_PROJECT ??= fileURLToPath(new URL('../tsconfig.json', import.meta.url));
register('@swc-node/register/esm', import.meta.url);

const options = {
  databaseUrl: process.env.DATABASE_URL || 'postgres://postgres@127.0.0.1:5432/postgres',
  rounds: Number(process.env.BENCH_ROUNDS || 5),
  embedded,
};
let good = true;
for (const name of named.length > 0 ? named : known) {
  const { run, runsEmbedded = false } = await import(`./${name}${ENDING}`);
  if (embedded && !runsEmbedded) continue;
  console.error(`== ${name}`);
  good = (await run(options)) && good;
}
process.exit(good ? 0 : 1);
