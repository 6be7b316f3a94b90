import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';

/**
 * The same controllers below a path. Nest fixes a controller's path when its file is read, and its module-wide prefix would also
 * move `/.well-known` and `/introspect`; so each controller gets a subclass that has the path of its own.
 */
export function underPrefix(prefix: string, controllers: Type[]): Type[] {
  return controllers.map((controller) => {
    const prefixed = class extends controller {};
    Object.defineProperty(prefixed, 'name', { value: controller.name });
    const own = String(Reflect.getMetadata(PATH_METADATA, controller) ?? '');
    Reflect.defineMetadata(PATH_METADATA, `${prefix}/${own}`.replace(/^\/|\/+$/g, ''), prefixed);
    return prefixed;
  });
}
