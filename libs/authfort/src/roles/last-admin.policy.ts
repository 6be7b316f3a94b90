import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { RoleRepository } from './role.repository.js';

/** Who has it may use the routes below `/auth/admin`. */
export const ADMIN_ROLE = 'admin';

/** Somebody has to be able to administer. It binds who acts over HTTP; code and the command line may do as they like. */
@Injectable()
export class LastAdminPolicy {
  constructor(
    private readonly database: Database,
    private readonly roles: RoleRepository,
  ) {}

  /**
   * Runs `act`, which shuts the user out of administration, unless nobody would be left in it. Two administrators who shut each other
   * out wait for one another here.
   * @throws AuthFortError `last_admin`
   */
  spare<T>(userId: string, act: () => Promise<T>): Promise<T> {
    return this.database.transaction(async () => {
      if (await this.roles.isLastHolder(userId, ADMIN_ROLE)) throw authError('last_admin');
      return act();
    });
  }
}
