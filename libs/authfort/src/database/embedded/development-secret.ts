import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FILE = 'development-secret';

/** The secret of {@link developmentSecret}, if it was made. */
export function readDevelopmentSecret(dataDir: string): string | undefined {
  const path = join(resolve(dataDir), FILE);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/**
 * A secret of 256 random bits (base64) that is made once and kept in `dataDir`, readable by its owner alone, so that a
 * development server needs no configuration and yet keeps its keys over restarts. It lies beside what it protects: it is
 * no substitute for `KEY_ENCRYPTION_SECRET` in production.
 */
export function developmentSecret(dataDir: string): string {
  const folder = resolve(dataDir);
  const path = join(folder, FILE);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, randomBytes(32).toString('base64'), { mode: 0o600 });
  try {
    // Unlike a rename, a link does not replace: of two processes that start together, both use the first one's secret.
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(path, 'utf8');
}
