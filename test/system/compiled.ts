import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { transformSync } from '@swc/core';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'node_modules/.cache/authfort-tests');
const { paths } = (
  JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
    compilerOptions: { paths: Record<string, [string]> };
  }
).compilerOptions;
let folder: string | undefined;

/** For processes that tests start: the embedded database of a process that lives for seconds is not worth an optimizing compiler. */
export const SHORT_LIVED = ['--liftoff-only'];

/**
 * The JavaScript of a source file, for processes that tests start: compiled once for each state of the sources, so that a process
 * need not compile itself, and tests never meet an old build.
 * @param file from the root of the repository
 */
export function compiled(file: string): string {
  folder ??= compileAll();
  return join(folder, file.replace(/\.ts$/, '.js'));
}

function compileAll(): string {
  const files = ['apps', 'libs', 'test/system', 'ormconfig.ts'].flatMap(filesBelow).filter(isRun);
  const sources = files.sort().map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const);
  const state = createHash('sha256').update(JSON.stringify(sources)).digest('hex').slice(0, 16);
  const target = join(CACHE, state);
  if (existsSync(target)) return target;
  // Several workers may do this at once: each writes a folder of its own and renames it.
  const draft = `${target}.${randomUUID()}`;
  for (const [file, source] of sources) {
    const output = join(draft, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, compile(file, source));
  }
  try {
    renameSync(draft, target);
  } catch {
    rmSync(draft, { recursive: true, force: true });
  }
  return target;
}

function filesBelow(path: string): string[] {
  if (path.endsWith('.ts')) return [path];
  return readdirSync(join(ROOT, path), { recursive: true, encoding: 'utf8' }).map((file) => join(path, file));
}

function isRun(file: string): boolean {
  return (
    /^((apps|libs)\/(?!web|authfort-client)[^/]+\/src\/.+|test\/system\/.+\.fixture|ormconfig)\.ts$/.test(
      file,
    ) && !/\.(spec|e2e-spec|d)\.ts$/.test(file)
  );
}

function compile(file: string, source: string): string {
  const { code } = transformSync(source, {
    filename: file,
    swcrc: false,
    module: { type: 'es6' },
    jsc: {
      target: 'es2023',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      keepClassNames: true,
    },
  });
  return code.replace(
    /(\bfrom\s+|\bimport\()(["'])(authfort[^"']*)\2/g,
    (all, before: string, _, alias: string) => {
      const path = paths[alias]?.[0];
      if (!path) return all as string;
      const to = relative(dirname(file), path).replace(/\.ts$/, '.js');
      return `${before}'${to.startsWith('.') ? to : `./${to}`}'`;
    },
  );
}
