import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { type NewAccountInput, NewAccountService } from '../password/new-account.service.js';
import { RoleService } from '../roles/role.service.js';
import type { User } from '../users/user.js';
import { UserService } from '../users/user.service.js';

/** What an administrator, or code, makes an account from. */
export interface CreateUserInput extends NewAccountInput {
  /** Roles to give. Default: none. */
  roles?: readonly string[];
}

/** Makes accounts for others. */
@Injectable()
export class AccountCreationService {
  constructor(
    private readonly database: Database,
    private readonly accounts: NewAccountService,
    private readonly roles: RoleService,
    private readonly users: UserService,
  ) {}

  /**
   * Creates an account with its roles, all or nothing, without signing it in; also where sign-up is closed.
   * @throws AuthFortError `invalid_role`, and as {@link NewAccountService.prepare}
   */
  async create({ roles = [], ...input }: CreateUserInput): Promise<User> {
    const prepared = await this.accounts.prepare(input);
    return this.database.transaction(async () => {
      const { id } = await this.accounts.insert(prepared, 'admin');
      for (const role of roles) await this.roles.add(id, role);
      return this.users.get(id);
    });
  }
}
