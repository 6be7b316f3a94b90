import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { isNearBound, sizeOfRoles } from '../tokens/token-size.js';
import { UserRepository } from '../users/user.repository.js';
import { NAME } from './names.js';
import { RoleRepository } from './role.repository.js';

/**
 * Gives and takes roles. A change makes the user's access tokens invalid here at once, and at the services that follow the feed unless
 * `revokeOnRoleChange` is off; the next refresh carries the new roles.
 */
@Injectable()
export class RoleService {
  private readonly logger = new Logger(RoleService.name);

  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly roles: RoleRepository,
    private readonly events: EventBus,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * Granting a role twice changes nothing. All roles of a user have to fit into an access token: 1000 bytes as JSON with cookies, 3000
   * without.
   * @throws AuthFortError `invalid_role`, `user_not_found`, `too_many_roles`
   */
  async add(userId: string, role: string): Promise<void> {
    if (!NAME.test(role)) throw authError('invalid_role');
    await this.database.transaction(async () => {
      // The user's row comes first, in this order everywhere.
      if (!(await this.users.lock(userId))) throw authError('user_not_found');
      if (!(await this.roles.grant(userId, role, this.clock.now()))) return;
      this.assertFit(userId, await this.roles.rolesOf(userId));
      await this.users.raiseTokenVersion(userId, this.config.revokeOnRoleChange);
      await this.events.emit('role_added', { userId, role });
    });
  }

  /** @returns false when the user does not have the role: nothing has changed. @throws AuthFortError `user_not_found` */
  async remove(userId: string, role: string): Promise<boolean> {
    return this.database.transaction(async () => {
      if (!(await this.users.lock(userId))) throw authError('user_not_found');
      if (!NAME.test(role) || !(await this.roles.withdraw(userId, role))) return false;
      await this.users.raiseTokenVersion(userId, this.config.revokeOnRoleChange);
      await this.events.emit('role_removed', { userId, role });
      return true;
    });
  }

  private assertFit(userId: string, roles: readonly string[]): void {
    const { bytes, bound } = sizeOfRoles(roles, this.config);
    if (bytes > bound) throw authError('too_many_roles');
    if (isNearBound(bytes, bound))
      this.logger.warn(
        `The roles of user ${userId} have ${bytes} of the ${bound} bytes that fit into an access token; remove roles that are not needed`,
      );
  }

  /** Whether anybody has the role. */
  exists(role: string): Promise<boolean> {
    return this.roles.isHeld(role);
  }

  rolesOf(userId: string): Promise<string[]> {
    return this.roles.rolesOf(userId);
  }
}
