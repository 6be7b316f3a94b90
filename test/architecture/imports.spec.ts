import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  deepImports,
  forbiddenConstructs,
  forbiddenLibs,
  strayTypeorm,
  unlistedPackages,
} from './boundaries.js';
import { featureCycles, importCycles, layerViolations } from './layers.js';
import { productSources, ROOT } from './source-scan.js';

interface PackageJson {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const sources = productSources();
const libs = readdirSync(join(ROOT, 'libs')).map((name) => `libs/${name}`);

describe('the sources', () => {
  it('are all there to be looked at', () => {
    for (const lib of libs) expect(sources.some(({ path }) => path.startsWith(`${lib}/src/`))).toBe(true);
    expect(sources.length).toBeGreaterThan(100);
  });

  it('import only the libs that they may know', () => expect(forbiddenLibs(sources)).toEqual([]));

  it('import other libs by their public names', () => expect(deepImports(sources)).toEqual([]));

  it('leave TypeORM to repositories, entities and the database', () =>
    expect(strayTypeorm(sources)).toEqual([]));

  it('know nothing of the layers above them', () => expect(layerViolations(sources)).toEqual([]));

  it('have no features that need each other', () => expect(featureCycles(sources)).toEqual([]));

  it('import one another in no circle', () => expect(importCycles(sources)).toEqual([]));

  it('have no export *, no forwardRef, and read the environment in env.ts only', () =>
    expect(forbiddenConstructs(sources)).toEqual([]));
});

describe('the packages', () => {
  it.each(libs)('%s lists what it imports', (lib) => {
    const manifest = JSON.parse(readFileSync(join(ROOT, lib, 'package.json'), 'utf8')) as PackageJson;
    const listed = [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies].flatMap(
      (group) => Object.keys(group ?? {}),
    );
    expect(unlistedPackages(sources, lib, listed)).toEqual([]);
  });
});
