import { builtinModules } from 'node:module';
import { constructsOf, importsOf, isTest, type Import, type Source } from './source-scan.js';

/** What a lib may be called by from outside; `/testing` only where tests are. */
const PUBLIC_NAMES = ['authfort', 'authfort/embedded', 'authfort-service', 'authfort-client'];
const PUBLIC_CLIENT_SUBPATH = /^authfort-client\/(react|vue|svelte)$/;
const TEST_NAMES = ['authfort/testing', 'authfort-service/testing'];

/** Who may import which lib at all; who is not listed may import every one. */
const LIBS_OF: Record<string, readonly string[]> = {
  'libs/authfort': ['authfort', 'authfort-service'],
  'libs/authfort-service': ['authfort-service'],
  'libs/authfort-client': ['authfort-client'],
  'apps/orders': ['authfort-service'],
  'apps/notifications': ['authfort-service'],
};

const MAY_IMPORT_TYPEORM = /\.(repository|entity)\.ts$|\/src\/wiring\.ts$|\/src\/(database|testing|cli)\//;

/** Imports of a lib by somebody who must not know it. */
export function forbiddenLibs(sources: readonly Source[]): string[] {
  return imports(sources).flatMap((edge) => {
    const lib = libOf(edge);
    const allowed = LIBS_OF[ownerOf(edge.from)];
    return lib && allowed && !allowed.includes(lib) ? [describe(edge)] : [];
  });
}

/** Imports of another lib past its public names. */
export function deepImports(sources: readonly Source[]): string[] {
  return imports(sources).flatMap((edge) => {
    const { from, specifier, target } = edge;
    const leaves = target !== undefined && ownerOf(target) !== ownerOf(from);
    if (leaves && /^(libs|apps)\//.test(target)) return [describe(edge)];
    if (!/^authfort(-service|-client)?(\/|$)/.test(specifier)) return [];
    const test = isTest(from) || /\/src\/testing\//.test(from);
    const known = PUBLIC_NAMES.includes(specifier) || PUBLIC_CLIENT_SUBPATH.test(specifier);
    return known || (test && TEST_NAMES.includes(specifier)) ? [] : [describe(edge)];
  });
}

/** Imports of TypeORM outside repositories, entities and what puts the database together. */
export function strayTypeorm(sources: readonly Source[]): string[] {
  return imports(sources)
    .filter(({ from }) => from.startsWith('libs/') && !MAY_IMPORT_TYPEORM.test(from))
    .filter(({ specifier }) => packageOf(specifier) === 'typeorm')
    .map(describe);
}

/** `export *`, `forwardRef`, and the environment read outside an `env.ts`. */
export function forbiddenConstructs(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => !isTest(path))
    .flatMap((source) =>
      constructsOf(source)
        .filter((construct) => construct !== 'process.env' || !source.path.endsWith('/env.ts'))
        .map((construct) => `${source.path}: ${construct}`),
    );
}

/** Packages that a lib's files import and its package.json does not list. */
export function unlistedPackages(
  sources: readonly Source[],
  lib: string,
  listed: readonly string[],
): string[] {
  const used = imports(sources)
    .filter(({ from, target }) => ownerOf(from) === lib && !isTest(from) && target === undefined)
    .map(({ specifier }) => packageOf(specifier))
    .filter((name) => !name.startsWith('node:') && !builtinModules.includes(name))
    .filter((name) => name !== lib.split('/')[1] && !listed.includes(name));
  return [...new Set(used)].sort().map((name) => `${lib}/package.json: ${name}`);
}

function imports(sources: readonly Source[]): Import[] {
  return sources.flatMap(importsOf);
}

/** `libs/authfort/src/x.ts` → `libs/authfort` */
function ownerOf(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

/** The lib that an import reaches, by its name or by a path. */
function libOf({ from, specifier, target }: Import): string | undefined {
  if (target === undefined) return /^(authfort(-service|-client)?)(\/|$)/.exec(specifier)?.[1];
  return target.startsWith('libs/') && ownerOf(target) !== ownerOf(from) ? target.split('/')[1] : undefined;
}

/** `@nestjs/common/constants.js` → `@nestjs/common` */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function describe({ from, specifier }: Import): string {
  return `${from} → ${specifier}`;
}
