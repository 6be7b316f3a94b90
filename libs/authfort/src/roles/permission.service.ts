import { Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { NAME } from './names.js';
import { PermissionRepository, type RoleOverview } from './permission.repository.js';

const MOST_PER_ROLE = 100;

/**
 * Says what roles permit. A change holds here with the next request of everybody who has the role, whatever their token says; their
 * tokens carry it from the next refresh on.
 */
@Injectable()
export class PermissionService {
  constructor(
    private readonly database: Database,
    private readonly permissions: PermissionRepository,
    private readonly events: EventBus,
    private readonly clock: Clock,
  ) {}

  /** @throws AuthFortError `invalid_role`, `invalid_permission`, `too_many_permissions`. Granting twice changes nothing. */
  async grant(role: string, permission: string): Promise<void> {
    assertNames(role, permission);
    await this.database.transaction(async () => {
      const outcome = await this.permissions.grant(role, permission, MOST_PER_ROLE, this.clock.now());
      if (outcome === 'full') throw authError('too_many_permissions');
      if (outcome === 'granted') await this.events.emit('permission_granted', { role, permission });
    });
  }

  /** @throws AuthFortError `invalid_role`, `invalid_permission`. Withdrawing what is not granted changes nothing. */
  async withdraw(role: string, permission: string): Promise<void> {
    assertNames(role, permission);
    await this.database.transaction(async () => {
      if (await this.permissions.withdraw(role, permission))
        await this.events.emit('permission_withdrawn', { role, permission });
    });
  }

  /** All roles that somebody holds or that grant something, by name. */
  list(): Promise<RoleOverview[]> {
    return this.permissions.list();
  }

  /** @throws AuthFortError `role_not_found` when nobody holds the role and it grants nothing */
  async get(role: string): Promise<RoleOverview> {
    const found = await this.find(role);
    if (!found) throw authError('role_not_found');
    return found;
  }

  /** What a role grants, sorted; nothing for a role that is not known. */
  async permissionsOf(role: string): Promise<readonly string[]> {
    return (await this.find(role))?.permissions ?? [];
  }

  private find(role: string): Promise<RoleOverview | undefined> {
    return NAME.test(role) ? this.permissions.find(role) : Promise.resolve(undefined);
  }
}

function assertNames(role: string, permission: string): void {
  if (!NAME.test(role)) throw authError('invalid_role');
  if (!NAME.test(permission)) throw authError('invalid_permission');
}
