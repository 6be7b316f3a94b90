import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { accessError } from '../errors/access-errors.js';
import type { AuthUser } from '../token/auth-user.js';

export const PUBLIC = 'authfort:public';
export const ROLES = 'authfort:roles';
export const INTROSPECT = 'authfort:introspect';
/** Handlers that ask for the user: their names, by class. */
const askingForUser = new WeakMap<object, Set<string | symbol>>();

/** Opens a route, or all routes of a controller, to everybody. */
export const Public = (): ClassDecorator & MethodDecorator => SetMetadata(PUBLIC, true);

/** Guards a route, or all routes of a controller: the user needs any of the roles. On a route it replaces the controller's. */
export const Roles = (...roles: [string, ...string[]]): ClassDecorator & MethodDecorator =>
  SetMetadata(ROLES, roles);

/** Guards a route with a real-time check: the auth server is asked whether the token still holds. */
export const Introspect = (): ClassDecorator & MethodDecorator => SetMetadata(INTROSPECT, true);

const UserParam = createParamDecorator((property: keyof AuthUser | undefined, context: ExecutionContext) => {
  const { user } = context.switchToHttp().getRequest<{ user?: AuthUser }>();
  // The guard lets nobody this far without a user, unless the method was wrapped or overridden after it was decorated.
  if (!user) throw accessError('token_missing');
  return property ? user[property] : user;
});

/** The user of the request ({@link AuthUser}), or one property of it. Asking for the user guards the route. */
export function CurrentUser(property?: keyof AuthUser): ParameterDecorator {
  const decorate = UserParam(property);
  return (target, method, index) => {
    if (method !== undefined) {
      const methods = askingForUser.get(target) ?? new Set();
      askingForUser.set(target, methods.add(method));
    }
    decorate(target, method, index);
  };
}

/** Whether a parameter of the method has `@CurrentUser()`, also where it was declared in a base class. */
export function asksForUser(controller: { prototype: object }, method: string): boolean {
  for (
    let link: object | null = controller.prototype;
    link;
    link = Object.getPrototypeOf(link) as object | null
  ) {
    if (Object.hasOwn(link, method)) return askingForUser.get(link)?.has(method) ?? false;
  }
  return false;
}
