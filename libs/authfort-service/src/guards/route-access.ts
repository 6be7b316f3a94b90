import { type INestApplicationContext, RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { type GuardMode, requirementOf } from './access-requirement.js';
import { hasPassportGuard } from './passport-guard.js';

/** A route and who may use it. */
export interface RouteAccess {
  readonly method: string;
  readonly path: string;
  readonly access: 'public' | 'guarded';
  /** Any of them is enough. */
  readonly roles: readonly string[];
  /** All of them are needed. */
  readonly permissions: readonly string[];
  readonly introspect: boolean;
}

/**
 * All routes of an app with their access, by path. For the log at the start, and for a test that no route is open by accident. A route
 * with `@UseGuards(AuthGuard('authfort'))` is guarded.
 * @param mode the option `guard` of the module. Default `closed`
 */
export function listRoutes(
  app: Pick<INestApplicationContext, 'get'>,
  mode: GuardMode = 'closed',
): RouteAccess[] {
  return routesOf(app.get(ModulesContainer, { strict: false }), mode);
}

/** See {@link listRoutes}. */
export function routesOf(modules: ModulesContainer, mode: GuardMode): RouteAccess[] {
  const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
  const routes = controllers.flatMap(({ metatype }) => routesOfController(metatype as Type, mode, modules));
  return routes.sort((a, b) => `${a.path} ${a.method}`.localeCompare(`${b.path} ${b.method}`));
}

function routesOfController(controller: Type, mode: GuardMode, modules: ModulesContainer): RouteAccess[] {
  const prototype = controller.prototype as Record<string, (...args: never[]) => unknown>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const handler = prototype[name]!;
    const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
    if (method === undefined) return [];
    const requirement = requirementOf(controller, handler, mode);
    const guarded = requirement !== undefined || hasPassportGuard(modules, controller, handler);
    return pathsOf(controller).flatMap((base) =>
      pathsOf(handler).map((path) => ({
        method: RequestMethod[method],
        path: `/${base}/${path}`.replace(/\/+/g, '/').replace(/(.)\/$/, '$1'),
        access: guarded ? ('guarded' as const) : ('public' as const),
        roles: [...(requirement?.roles ?? [])],
        permissions: [...(requirement?.permissions ?? [])],
        introspect: requirement?.introspect ?? false,
      })),
    );
  });
}

function pathsOf(target: object): string[] {
  return [(Reflect.getMetadata(PATH_METADATA, target) as string | string[] | undefined) ?? ''].flat();
}
