import type { Type } from '@nestjs/common';
import { asksForUser, INTROSPECT, PERMISSIONS, PUBLIC, ROLES } from '../decorators/access.decorators.js';

/** `closed`: every route needs a token unless it is `@Public()`. `decorated`: only what carries a decorator of ours. */
export type GuardMode = 'closed' | 'decorated';

/** What a route asks of a request. Undefined stands for a public route. */
export interface AccessRequirement {
  /** Any of these; undefined: any user. */
  readonly roles: ReadonlySet<string> | undefined;
  /** All of these; undefined: none is needed. */
  readonly permissions: readonly string[] | undefined;
  readonly introspect: boolean;
}

type Handler = (...args: never[]) => unknown;

const RESTRICTIONS = [ROLES, PERMISSIONS, INTROSPECT];

/** Reads the decorators of a route; those on the method come before those on the class. */
export function requirementOf(
  controller: Type,
  handler: Handler,
  mode: GuardMode,
): AccessRequirement | undefined {
  const onMethod = <T>(key: string) => Reflect.getMetadata(key, handler) as T | undefined;
  const onClass = <T>(key: string) => Reflect.getMetadata(key, controller) as T | undefined;
  const roles = onMethod<string[]>(ROLES) ?? onClass<string[]>(ROLES);
  const permissions = onMethod<string[]>(PERMISSIONS) ?? onClass<string[]>(PERMISSIONS);
  const introspect = onMethod<boolean>(INTROSPECT) ?? onClass<boolean>(INTROSPECT) ?? false;
  const guardedByMethod = asksByItself(controller, handler);
  if (onMethod(PUBLIC) && !guardedByMethod) return undefined;
  // A method that asks for a user is guarded even in a public controller: it could not work otherwise.
  if (isPublicClass(controller) && !guardedByMethod) return undefined;
  const guarded =
    mode === 'closed' || guardedByMethod || roles !== undefined || permissions !== undefined || introspect;
  return guarded ? { roles: roles && new Set(roles), permissions, introspect } : undefined;
}

/** Whether a decorator on the handler or on its class asks for a user, in either mode of the guard. */
export function isDecorated(controller: Type, handler: Handler): boolean {
  if (asksByItself(controller, handler)) return true;
  if (Reflect.getMetadata(PUBLIC, handler) || isPublicClass(controller)) return false;
  return RESTRICTIONS.some((key) => Reflect.getMetadata(key, controller) !== undefined);
}

function asksByItself(controller: Type, handler: Handler): boolean {
  const decorated = RESTRICTIONS.some((key) => Reflect.getMetadata(key, handler) !== undefined);
  return decorated || asksForUser(controller, handler);
}

/**
 * Whether `@Public()` applies to a class. A class inherits the metadata of its base classes, so the nearest class with a decorator of
 * ours decides. A restriction on the same class wins, as on a method.
 */
function isPublicClass(controller: Type): boolean {
  for (
    let link: object | null = controller;
    typeof link === 'function';
    link = Object.getPrototypeOf(link) as object | null
  ) {
    const own = (key: string) => Reflect.getOwnMetadata(key, link as object) as unknown;
    if (RESTRICTIONS.some((key) => own(key) !== undefined)) return false;
    if (own(PUBLIC) !== undefined) return true;
  }
  return false;
}
