import { importsOf, isTest, type Import, type Source } from './source-scan.js';

const AUTHFORT = 'libs/authfort/src/';

/** The feature folders of libs/authfort, lowest first. A file may import its own layer and those below it. */
export const LAYERS: readonly (readonly string[])[] = [
  ['options', 'errors'],
  ['database', 'http', 'events', 'mail'],
  ['revocation'],
  ['keys', 'users', 'rate-limits', 'webhooks'],
  ['tokens', 'roles', 'login-attempts', 'one-time'],
  ['sessions'],
  ['introspection', 'revocation-feed'],
  ['sign-in'],
  ['password', 'magic-link', 'otp', 'oauth', 'mfa', 'passkeys', 'email-verification'],
  ['email-change'],
  ['account'],
  ['admin', 'cleanup'],
  ['health', 'cli', 'testing'],
];
const TOP = LAYERS.length - 1;

/** These put the features together and so know all of them, wherever they stand. */
const ASSEMBLY = new Set([`${AUTHFORT}database/entities.ts`, `${AUTHFORT}database/open-database.ts`]);
/** The type of a feature's part of the module. Every feature may import it. */
const MANIFEST_TYPE = `${AUTHFORT}feature.ts`;
const SUBPATH_INDEX = /^libs\/authfort\/src\/(database\/embedded|testing)\/index\.ts$/;

/** The files of libs/authfort that import from a higher layer, or from a folder that has no layer. */
export function layerViolations(sources: readonly Source[]): string[] {
  return featureImports(sources).flatMap(({ from, target }) => {
    const [lower, higher] = [layerOf(from), layerOf(target)];
    if (lower === undefined) return [`${from}: its folder has no layer in test/architecture/layers.ts`];
    if (higher === undefined) return [`${target}: its folder has no layer in test/architecture/layers.ts`];
    return lower < higher ? [`${from} → ${target}: points up`] : [];
  });
}

/** Features that import one another in a circle; within one layer nothing else would notice. */
export function featureCycles(sources: readonly Source[]): string[] {
  const edges = featureImports(sources)
    .filter(({ from, target }) => (layerOf(from) ?? TOP) < TOP && (layerOf(target) ?? TOP) < TOP)
    .map(({ from, target }) => [folderOf(from)!, folderOf(target)!] as const)
    .filter(([from, to]) => from !== to);
  return cycles(edges);
}

/** Files of one lib or app that import one another in a circle. */
export function importCycles(sources: readonly Source[]): string[] {
  const edges = sources
    .flatMap(importsOf)
    .filter((edge): edge is Import & { target: string } => edge.target !== undefined)
    .map(({ from, target }) => [from, target] as const);
  return cycles(edges);
}

function featureImports(sources: readonly Source[]): { from: string; target: string }[] {
  return sources
    .filter(({ path }) => path.startsWith(AUTHFORT) && !isTest(path) && !SUBPATH_INDEX.test(path))
    .flatMap(importsOf)
    .flatMap(({ from, target }) => (target?.startsWith(AUTHFORT) ? [{ from, target }] : []));
}

/** Files at the root of the lib are the top, except for the manifest type; a folder that nobody has placed has no layer. */
function layerOf(path: string): number | undefined {
  if (path === MANIFEST_TYPE) return 0;
  const folder = folderOf(path);
  if (folder === undefined || ASSEMBLY.has(path)) return TOP;
  const layer = LAYERS.findIndex((folders) => folders.includes(folder));
  return layer < 0 ? undefined : layer;
}

function folderOf(path: string): string | undefined {
  const parts = path.slice(AUTHFORT.length).split('/');
  return parts.length > 1 ? parts[0] : undefined;
}

/** One line a circle, each circle once. */
function cycles(edges: readonly (readonly [string, string])[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const [from, to] of edges) next.set(from, (next.get(from) ?? new Set()).add(to));
  const found = new Set<string>();
  const done = new Set<string>();
  const walk = (node: string, trail: string[]): void => {
    const at = trail.indexOf(node);
    if (at >= 0) found.add([...trail.slice(at), node].join(' → '));
    if (at >= 0 || done.has(node)) return;
    for (const target of next.get(node) ?? []) walk(target, [...trail, node]);
    done.add(node);
  };
  for (const node of next.keys()) walk(node, []);
  return [...found];
}
