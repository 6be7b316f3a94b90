import { Inject } from '@nestjs/common';
import { AccountCreationService, type CreateUserInput } from './account/account-creation.service.js';
import { AccountDeletionService } from './account/account-deletion.service.js';
import { BanService } from './account/ban.service.js';
import { type UserChanges, UserEditorService } from './account/user-editor.service.js';
import type { RoleOverview } from './roles/permission.repository.js';
import { PermissionService } from './roles/permission.service.js';
import { RoleService } from './roles/role.service.js';
import type { ListSessionsQuery, Session, SessionPage } from './sessions/session-page.js';
import { type ListUsersQuery, UserDirectoryService, type UserPage } from './users/user-directory.service.js';
import type { User } from './users/user.js';
import { AuthFortSignIns } from './auth-fort-sign-ins.js';

/** The part of {@link AuthFort} that is about accounts, what they may do, and their sessions. */
export abstract class AuthFortAccounts extends AuthFortSignIns {
  @Inject(AccountCreationService) private readonly creation!: AccountCreationService;
  @Inject(UserEditorService) private readonly editor!: UserEditorService;
  @Inject(AccountDeletionService) private readonly deletion!: AccountDeletionService;
  @Inject(UserDirectoryService) private readonly directory!: UserDirectoryService;
  @Inject(BanService) private readonly bans!: BanService;
  @Inject(RoleService) private readonly roles!: RoleService;
  @Inject(PermissionService) private readonly permissions!: PermissionService;

  /** Creates an account without signing it in. @throws `user_exists`, `invalid_email`, `password_too_short`, `invalid_role`, … */
  createUser(input: CreateUserInput): Promise<User> {
    return this.creation.create(input);
  }

  /** @throws `user_not_found` */
  getUser(userId: string): Promise<User> {
    return this.users.get(userId);
  }

  /** @throws `invalid_email`, `user_not_found` */
  getUserByEmail(email: string): Promise<User> {
    return this.users.getByEmail(email);
  }

  /**
   * Changes the given fields. A new address takes effect immediately, and a mail informs the old address.
   * @throws `user_not_found`, `user_exists`, `invalid_email`, `invalid_name`, …
   */
  async updateUser(userId: string, changes: UserChanges): Promise<User> {
    return this.editor.update((await this.users.get(userId)).id, changes);
  }

  /**
   * Anonymises an account: the row and the id stay, everything personal goes, the address is free again. `hard` deletes the row too.
   * @throws `user_not_found`
   */
  async deleteUser(userId: string, options: { hard?: boolean } = {}): Promise<void> {
    await this.deletion.delete((await this.users.get(userId)).id, options.hard);
  }

  /** One page of accounts. @throws `validation_error` for a cursor that is none */
  listUsers(query: ListUsersQuery = {}): Promise<UserPage> {
    return this.directory.list(query);
  }

  /** How many accounts match. */
  countUsers(query: Omit<ListUsersQuery, 'sort' | 'order' | 'limit' | 'cursor'> = {}): Promise<number> {
    return this.directory.count(query);
  }

  /** Bans a user and ends their sessions. @throws `user_not_found` */
  async banUser(userId: string): Promise<void> {
    await this.bans.ban((await this.users.get(userId)).id);
  }

  /** @throws `user_not_found` */
  async unbanUser(userId: string): Promise<void> {
    await this.bans.unban((await this.users.get(userId)).id);
  }

  /** @throws `invalid_role`, `user_not_found` */
  async addRole(userId: string, role: string): Promise<void> {
    await this.roles.add((await this.users.get(userId)).id, role);
  }

  /** @throws `user_not_found` */
  async removeRole(userId: string, role: string): Promise<void> {
    await this.roles.remove((await this.users.get(userId)).id, role);
  }

  /** @throws `user_not_found` */
  async getRoles(userId: string): Promise<readonly string[]> {
    return (await this.users.get(userId)).roles;
  }

  /** True when the user has any of the roles. @throws `user_not_found` */
  async hasRole(userId: string, ...roles: string[]): Promise<boolean> {
    const held = await this.getRoles(userId);
    return roles.some((role) => held.includes(role));
  }

  /** Holds at once for all who have the role. @throws `invalid_role`, `invalid_permission`, `too_many_permissions` (over 100) */
  grantPermission(role: string, permission: string): Promise<void> {
    return this.permissions.grant(role, permission);
  }

  /** Withdrawing what is not granted changes nothing. @throws `invalid_role`, `invalid_permission` */
  withdrawPermission(role: string, permission: string): Promise<void> {
    return this.permissions.withdraw(role, permission);
  }

  /** What a role grants, sorted; nothing for a role that is not known. */
  getRolePermissions(role: string): Promise<readonly string[]> {
    return this.permissions.permissionsOf(role);
  }

  /** The roles that somebody holds or that grant something, by name. */
  listRoles(): Promise<RoleOverview[]> {
    return this.permissions.list();
  }

  /** True when the user's roles grant ALL of the permissions; false when none is given. @throws `user_not_found` */
  async hasPermission(userId: string, ...permissions: string[]): Promise<boolean> {
    const granted = (await this.users.get(userId)).permissions;
    return permissions.length > 0 && permissions.every((permission) => granted.includes(permission));
  }

  /** The live sessions, newest first, at most 100; {@link listSessions} pages through more. @throws `user_not_found` */
  async getSessions(userId: string): Promise<Session[]> {
    return [...(await this.listSessions(userId)).sessions];
  }

  /** One page of the live sessions, newest first. @throws `user_not_found`, `validation_error` for a cursor of another list */
  async listSessions(userId: string, query: ListSessionsQuery = {}): Promise<SessionPage> {
    return this.sessions.list((await this.users.get(userId)).id, query);
  }

  /** @throws `user_not_found`, `session_not_found` */
  async revokeSession(userId: string, sessionId: string): Promise<void> {
    await this.sessions.revoke((await this.users.get(userId)).id, sessionId);
  }

  /** Ends all sessions but `exceptSessionId`. @returns how many. @throws `user_not_found`, `session_not_found` */
  async revokeAllSessions(userId: string, exceptSessionId?: string): Promise<number> {
    return this.sessions.revokeAll((await this.users.get(userId)).id, 'revoked', exceptSessionId);
  }
}
