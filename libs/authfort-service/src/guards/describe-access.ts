import type { RouteAccess } from './route-access.js';

type Access = Pick<RouteAccess, 'access' | 'roles' | 'permissions' | 'introspect'>;

/** `guarded, roles: admin | support`: the access of a route or a handler, for the log at the start. */
export function describeAccess({ access, roles, permissions, introspect }: Access): string {
  if (access === 'public') return 'public';
  return [
    'guarded',
    roles.length > 0 && `roles: ${roles.join(' | ')}`,
    permissions.length > 0 && `permissions: ${permissions.join(' & ')}`,
    introspect && 'introspected',
  ]
    .filter(Boolean)
    .join(', ');
}
