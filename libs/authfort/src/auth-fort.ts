import { Injectable } from '@nestjs/common';
import type { AuthUser } from 'authfort-service';
import { AccountCreationService, type CreateUserInput } from './account/account-creation.service.js';
import { AccountDeletionService } from './account/account-deletion.service.js';
import { BanService } from './account/ban.service.js';
import { type UserChanges, UserEditorService } from './account/user-editor.service.js';
import { type ClientInfo, NO_CLIENT } from './http/client-info.js';
import { type JwksDocument, KeyRing } from './keys/key-ring.js';
import { KeyRotationService } from './keys/key-rotation.service.js';
import { EmailVerificationService } from './email-verification/email-verification.service.js';
import { MagicLinkService } from './magic-link/magic-link.service.js';
import { OtpService } from './otp/otp.service.js';
import { ChangePasswordService } from './password/change-password.service.js';
import { PasswordResetService } from './password/password-reset.service.js';
import { normalizeEmail } from './users/user-fields.js';
import { LoginService } from './password/login.service.js';
import { RoleService } from './roles/role.service.js';
import type { AuthResult } from './sessions/auth-result.js';
import { CleanupService } from './sessions/cleanup.service.js';
import { RefreshService } from './sessions/refresh.service.js';
import { SessionAuthenticator } from './sessions/session.authenticator.js';
import type { Session } from './sessions/session.repository.js';
import { SessionService } from './sessions/session.service.js';
import type { User } from './users/user.js';
import { type ListUsersQuery, UserDirectoryService, type UserPage } from './users/user-directory.service.js';
import { UserService } from './users/user.service.js';

/**
 * Everything that the routes do, for code of the auth app. Lifetimes are in seconds; ids are UUIDs. Every method throws
 * `AuthFortError {code, message, statusCode}`; the codes are those of docs/reference/errors.md.
 */
@Injectable()
export class AuthFort {
  constructor(
    private readonly creation: AccountCreationService,
    private readonly editor: UserEditorService,
    private readonly deletion: AccountDeletionService,
    private readonly directory: UserDirectoryService,
    private readonly logins: LoginService,
    private readonly refreshes: RefreshService,
    private readonly sessions: SessionService,
    private readonly authenticator: SessionAuthenticator,
    private readonly users: UserService,
    private readonly bans: BanService,
    private readonly roles: RoleService,
    private readonly passwords: ChangePasswordService,
    private readonly resets: PasswordResetService,
    private readonly verification: EmailVerificationService,
    private readonly links: MagicLinkService,
    private readonly otps: OtpService,
    private readonly ring: KeyRing,
    private readonly rotation: KeyRotationService,
    private readonly cleaning: CleanupService,
  ) {}

  /** Creates an account without signing it in. @throws `user_exists`, `invalid_email`, `password_too_short`, `invalid_role`, … */
  createUser(input: CreateUserInput): Promise<User> {
    return this.creation.create(input);
  }

  /** Sets what is given, at once and without a mail. @throws `user_not_found`, `user_exists`, `invalid_email`, `invalid_name`, … */
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

  /** Signs in with a password. @throws `invalid_credentials`, `user_banned`, `overloaded` */
  login(email: string, password: string, client: ClientInfo = NO_CLIENT): Promise<AuthResult> {
    return this.logins.login(email, password, client);
  }

  /** @throws `refresh_token_invalid`, `refresh_token_expired`, `refresh_token_revoked`, `user_banned` */
  refresh(refreshToken: string, client: ClientInfo = NO_CLIENT): Promise<AuthResult> {
    return this.refreshes.refresh(refreshToken, client);
  }

  /** Ends the session of a refresh token. A token that is not known is no error. */
  logout(refreshToken: string): Promise<void> {
    return this.sessions.endByRefreshToken(refreshToken);
  }

  /** The user behind an access token, checked against the database. @throws `token_invalid`, `session_revoked`, … */
  verifyToken(accessToken: string): Promise<AuthUser> {
    return this.authenticator.authenticate(accessToken);
  }

  /** @throws `user_not_found` */
  getUser(userId: string): Promise<User> {
    return this.users.get(userId);
  }

  /** @throws `invalid_email`, `user_not_found` */
  getUserByEmail(email: string): Promise<User> {
    return this.users.getByEmail(email);
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

  /** The live sessions, newest first. @throws `user_not_found` */
  async getSessions(userId: string): Promise<Session[]> {
    return this.sessions.list((await this.users.get(userId)).id);
  }

  /** @throws `user_not_found`, `session_not_found` */
  async revokeSession(userId: string, sessionId: string): Promise<void> {
    await this.sessions.revoke((await this.users.get(userId)).id, sessionId);
  }

  /** Ends all sessions but `exceptSessionId`. @returns how many. @throws `user_not_found`, `session_not_found` */
  async revokeAllSessions(userId: string, exceptSessionId?: string): Promise<number> {
    return this.sessions.revokeAll((await this.users.get(userId)).id, 'revoked', exceptSessionId);
  }

  /** A token for {@link resetPassword}, to be mailed. @throws `user_not_found` */
  async createPasswordResetToken(userId: string): Promise<string> {
    return this.resets.createToken(await this.users.get(userId));
  }

  /** Sets a new password and ends all sessions. @throws `invalid_reset_token`, `password_too_short`, `password_unchanged`, … */
  resetPassword(token: string, newPassword: string): Promise<void> {
    return this.resets.reset(token, newPassword);
  }

  /**
   * Ends all sessions but `keptSessionId`, and every access token.
   * @throws `user_not_found`, `invalid_password`, `password_too_short`, `password_unchanged`, …
   */
  async changePassword(
    userId: string,
    oldPassword: string,
    newPassword: string,
    keptSessionId?: string,
  ): Promise<void> {
    await this.passwords.change(await this.users.get(userId), oldPassword, newPassword, keptSessionId);
  }

  /** For an account without one. @throws `user_not_found`, `password_already_set`, `password_too_short`, … */
  async setPassword(userId: string, password: string): Promise<void> {
    await this.passwords.set((await this.users.get(userId)).id, password);
  }

  /** A token for {@link verifyEmail}, to be mailed. @throws `user_not_found` */
  async createEmailVerificationToken(userId: string): Promise<string> {
    return this.verification.createToken(await this.users.get(userId));
  }

  /** @throws `invalid_verification_token` */
  verifyEmail(token: string): Promise<void> {
    return this.verification.verify(token);
  }

  /** A token for {@link verifyMagicLink}, to be mailed. Null for an address that may not sign in. @throws `invalid_email` */
  async createMagicLinkToken(email: string): Promise<string | null> {
    return (await this.links.createToken(normalizeEmail(email))) ?? null;
  }

  /** @throws `invalid_magic_link`, `user_banned` */
  verifyMagicLink(token: string, client: ClientInfo = NO_CLIENT): Promise<AuthResult> {
    return this.links.signIn(token, client);
  }

  /** A code for {@link verifyEmailOtp}, to be mailed. Null for an address that may not sign in. @throws `invalid_email` */
  async createEmailOtp(email: string): Promise<string | null> {
    return (await this.otps.createCode(normalizeEmail(email))) ?? null;
  }

  /** @throws `invalid_otp`, `user_banned` */
  verifyEmailOtp(email: string, code: string, client: ClientInfo = NO_CLIENT): Promise<AuthResult> {
    return this.otps.signIn(normalizeEmail(email), code, client);
  }

  /** Makes the published `next` key the current one. @returns its kid. */
  rotateKey(): Promise<string> {
    return this.rotation.rotate();
  }

  /** Takes a key out at once: what it signed is refused. @returns false when there is no such key. */
  compromiseKey(kid: string): Promise<boolean> {
    return this.rotation.compromise(kid);
  }

  /** The document of `/.well-known/jwks.json`. @throws `keys_unavailable` */
  getJwks(): JwksDocument {
    return this.ring.jwks();
  }

  /** Deletes expired refresh tokens and sessions. It runs every hour by itself. @returns how many of each. */
  cleanup(): Promise<{ refreshTokens: number; sessions: number }> {
    return this.cleaning.cleanup();
  }
}
