import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { inFormOf } from '../contexts/refusal.js';
import { accessError } from '../errors/access-errors.js';
import type { AuthUser } from '../token/auth-user.js';

export const PUBLIC = 'authfort:public';
export const ROLES = 'authfort:roles';
export const PERMISSIONS = 'authfort:permissions';
export const INTROSPECT = 'authfort:introspect';
/** Handlers that ask for the user: their names, by class. */
const askingForUser = new WeakMap<object, Set<string | symbol>>();

/** Opens a route, or all routes of a controller, to everybody. */
export const Public = (): ClassDecorator & MethodDecorator => SetMetadata(PUBLIC, true);

/** Guards a route, or all routes of a controller: the user needs any of the roles. On a route it replaces the controller's. */
export const Roles = (...roles: [string, ...string[]]): ClassDecorator & MethodDecorator =>
  SetMetadata(ROLES, roles);

/**
 * Guards a route, or all routes of a controller: the user needs ALL of the permissions, beside any of the roles where `@Roles()` stands
 * too. On a route it replaces the controller's.
 *
 * The auth server looks them up in its database. A service reads the `permissions` claim (option `claims.permissions` of the auth
 * server); for a token that has none it asks by introspection, and refuses the request where that is not set up.
 * @throws TypeError when no permission is given: it would guard nothing
 */
export const Permissions = (...permissions: [string, ...string[]]): ClassDecorator & MethodDecorator => {
  if (permissions.length === 0) throw new TypeError('@Permissions() needs at least one permission');
  return SetMetadata(PERMISSIONS, permissions);
};

/** Guards a route with a real-time check: the auth server is asked whether the token still holds. */
export const Introspect = (): ClassDecorator & MethodDecorator => SetMetadata(INTROSPECT, true);

const UserParam = createParamDecorator((property: keyof AuthUser | undefined, context: ExecutionContext) => {
  // In other contexts this is the message or the parent object; a client may have set its `user`.
  const request =
    context.getType() === 'http' ? context.switchToHttp().getRequest<{ user?: AuthUser }>() : {};
  const { user } = request;
  // Not reached where our guard runs; an app may have put a guard of its own in its place.
  if (!user) throw inFormOf(context, accessError('token_missing'));
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

/**
 * Whether a parameter of the handler has `@CurrentUser()`, also where it was declared in a base class: Nest hands parameter
 * decorators down to a method of the same name. The name is looked up by the handler, since a decorator that wraps the method
 * changes the handler's own name.
 */
export function asksForUser(controller: { prototype: object }, handler: object): boolean {
  const links: object[] = [];
  for (
    let link: object | null = controller.prototype;
    link;
    link = Object.getPrototypeOf(link) as object | null
  )
    links.push(link);
  const names = new Set(
    links.flatMap((link) =>
      Reflect.ownKeys(link).filter((key) => Object.getOwnPropertyDescriptor(link, key)?.value === handler),
    ),
  );
  return links.some((link) => [...names].some((name) => askingForUser.get(link)?.has(name)));
}
