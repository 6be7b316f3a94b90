import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { UserRepository } from '../users/user.repository.js';
import { RoleRepository } from './role.repository.js';

/** Who has it may use the routes below `/auth/admin`. */
export const ADMIN_ROLE = 'admin';

/** Somebody has to be able to administer. It binds who acts over HTTP; code and the command line may do as they like. */
@Injectable()
export class LastAdminPolicy {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly roles: RoleRepository,
  ) {}

  /**
   * Runs `act`, which shuts the user out of administration, unless nobody would be left in it. Two administrators who shut each other
   * out wait for one another here. The account is locked first, so it cannot become an administrator in between. For an account that is not
   * an administrator, only that account is locked: a slow deletion does not block another one.
   * @throws AuthFortError `last_admin`
   */
  spare<T>(userId: string, act: () => Promise<T>): Promise<T> {
    return this.database.transaction(async () => {
      await this.users.lockById(userId);
      const roles = await this.roles.rolesOf(userId);
      if (roles.includes(ADMIN_ROLE) && (await this.roles.isLastHolder(userId, ADMIN_ROLE)))
        throw authError('last_admin');
      return act();
    });
  }
}
