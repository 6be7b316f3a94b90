import { describe, expect, it } from '@jest/globals';
import {
  deepImports,
  forbiddenConstructs,
  forbiddenLibs,
  strayTypeorm,
  unlistedPackages,
} from './boundaries.js';
import { featureCycles, importCycles, layerViolations } from './layers.js';
import { exportedNames, importsOf } from './source-scan.js';

const file = (path: string, text: string) => ({ path, text });
const A = 'libs/authfort/src';

describe('the scanner', () => {
  it('sees every way of importing', () => {
    const text = `import a from 'a'; import type { B } from 'b'; export { c } from 'c'; import 'd';
      const e = await import('e'); type F = import('f').F; export type { G } from './g.js'; // import 'h'
      const i = "import 'i'";`;
    expect(importsOf(file('libs/x/src/x.ts', text)).map(({ specifier }) => specifier)).toEqual(
      expect.arrayContaining(['a', 'b', 'c', 'd', 'e', 'f', './g.js']),
    );
    expect(importsOf(file('libs/x/src/x.ts', text))).toHaveLength(7);
  });

  it('sees exported names, types among them', () => {
    const text = `export { a, type B as C } from './a.js'; export class D {} export const e = 1, f = 2; const g = 3;`;
    expect(exportedNames(file('x.ts', text))).toEqual(['C', 'D', 'a', 'e', 'f']);
  });
});

describe('the rules bite', () => {
  it.each([
    ['libs/authfort-service/src/x.ts', `import type { User } from 'authfort'`],
    ['libs/authfort-service/src/x.ts', `import { User } from '../../authfort/src/index.js'`],
    ['libs/authfort-client/src/x.ts', `import type { AuthUser } from 'authfort-service'`],
    ['apps/orders/src/x.ts', `import { AuthFort } from 'authfort'`],
    ['apps/notifications/src/x.ts', `const m = await import('authfort/embedded')`],
  ])('%s must not know: %s', (path, text) => expect(forbiddenLibs([file(path, text)])).toHaveLength(1));

  it.each([
    ['apps/auth-server/src/x.ts', `import { KeyRing } from '../../../libs/authfort/src/keys/key-ring.js'`],
    ['apps/auth-server/src/x.ts', `import { KeyRing } from 'authfort/keys'`],
    ['apps/auth-server/src/x.ts', `import { ManualClock } from 'authfort/testing'`],
    ['apps/orders/src/x.ts', `import { x } from '../../notifications/src/env.js'`],
    [`${A}/x.ts`, `import { Clock } from '../../authfort-service/src/token/clock.port.js'`],
    [`${A}/x.ts`, `import { Clock } from 'authfort-service/token'`],
  ])('%s imports too deep: %s', (path, text) => expect(deepImports([file(path, text)])).toHaveLength(1));

  it.each([
    ['apps/auth-server/src/x.ts', `import { AuthFort } from 'authfort'`],
    ['apps/auth-server/src/x.ts', `import { ormconfig } from '../../../ormconfig.js'`],
    ['apps/orders/src/x.e2e-spec.ts', `import { makeToken } from 'authfort-service/testing'`],
  ])('%s may: %s', (path, text) => {
    expect(deepImports([file(path, text)])).toEqual([]);
    expect(forbiddenLibs([file(path, text)])).toEqual([]);
  });

  it('keeps TypeORM out of services', () => {
    const text = `import type { DataSource } from 'typeorm'`;
    expect(strayTypeorm([file(`${A}/users/user.service.ts`, text)])).toHaveLength(1);
    expect(strayTypeorm([file(`${A}/users/user.repository.ts`, text)])).toEqual([]);
    expect(strayTypeorm([file(`${A}/database/x.ts`, text)])).toEqual([]);
  });

  it('lets no layer look up, not even for a type', () => {
    const up = file(`${A}/users/user.service.ts`, `import type { S } from '../sessions/session.service.js'`);
    const down = file(`${A}/sessions/x.ts`, `import { U } from '../users/user.service.js'`);
    expect(layerViolations([up])).toEqual([expect.stringContaining('points up')]);
    expect(layerViolations([down])).toEqual([]);
  });

  it('lets no feature import the root of the lib', () =>
    expect(
      layerViolations([file(`${A}/admin/x.ts`, `import { AuthFort } from '../auth-fort.js'`)]),
    ).toHaveLength(1));

  it('wants a layer for every folder', () =>
    expect(layerViolations([file(`${A}/nowhere/x.ts`, `import '../errors/catalog.js'`)])).toEqual([
      expect.stringContaining('has no layer'),
    ]));

  it('sees features of one layer that need each other', () => {
    const otp = file(`${A}/otp/a.ts`, `import { x } from '../mfa/a.js'`);
    const mfa = file(`${A}/mfa/b.ts`, `import { y } from '../otp/b.js'`);
    expect(featureCycles([otp, mfa])).toEqual(['otp → mfa → otp']);
    expect(featureCycles([otp])).toEqual([]);
  });

  it('sees files that import one another', () => {
    const a = file('libs/x/src/a.ts', `import { b } from './b.js'`);
    const b = file('libs/x/src/b.ts', `import { c } from './c/c.js'`);
    const c = file('libs/x/src/c/c.ts', `import type { A } from '../a.js'`);
    expect(importCycles([a, b, c])).toHaveLength(1);
    expect(importCycles([a, b])).toEqual([]);
  });

  it.each([
    [`export * from './x.js'`],
    [`export * as x from './x.js'`],
    [`class A { constructor(@Inject(forwardRef(() => B)) b: B) {} }`],
    [`const port = process.env.PORT`],
    [`const port = process['env'].PORT`],
    [`const { env } = process`],
    [`import { env } from 'node:process'`],
  ])('forbids %s', (text) => expect(forbiddenConstructs([file(`${A}/x.ts`, text)])).toHaveLength(1));

  it('lets env.ts read the environment, and comments name it', () => {
    expect(forbiddenConstructs([file('apps/x/src/env.ts', 'export const e = process.env.X')])).toEqual([]);
    expect(forbiddenConstructs([file(`${A}/x.ts`, '/** process.env, forwardRef, export * */')])).toEqual([]);
  });

  it('misses no package in a package.json', () => {
    const text = `import { x } from '@nestjs/common/constants.js'; import 'node:fs'; import 'pg'; import 'fs';`;
    expect(unlistedPackages([file(`${A}/x.ts`, text)], 'libs/authfort', ['pg'])).toEqual([
      'libs/authfort/package.json: @nestjs/common',
    ]);
  });
});
