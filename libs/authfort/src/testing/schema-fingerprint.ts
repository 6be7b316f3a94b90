import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { authfortMigrations } from '../database/migrations/index.js';

/** Changes when a migration's code or the embedded database's version does, and so names what was built from both. */
export function schemaFingerprint(): string {
  const hash = createHash('sha256').update(pgliteVersion());
  for (const migration of authfortMigrations) hash.update(`\n${migration.name}\n${String(migration)}`);
  return hash.digest('hex').slice(0, 16);
}

function pgliteVersion(): string {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  return (JSON.parse(readFileSync(join(entry, '..', '..', 'package.json'), 'utf8')) as { version: string })
    .version;
}
