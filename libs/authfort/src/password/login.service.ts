import { Injectable, Logger } from '@nestjs/common';
import { authError } from '../errors/catalog.js';
import type { AuthEventMap } from '../events/auth-events.js';
import { EventBus } from '../events/event-bus.js';
import type { ClientInfo } from '../http/client-info.js';
import { LoginAttemptsService } from '../login-attempts/login-attempts.service.js';
import type { AuthResult } from '../sessions/auth-result.js';
import { SignInService } from '../sign-in/sign-in.service.js';
import { normalizeEmail } from '../users/user-fields.js';
import { UserRepository } from '../users/user.repository.js';
import type { User } from '../users/user.js';
import { PasswordHasher } from './password-hasher.js';
import { assertHashable } from './password.policy.js';
import { PasswordRepository } from './password.repository.js';

/** Signs in with e-mail and password. */
@Injectable()
export class LoginService {
  private readonly logger = new Logger(LoginService.name);

  constructor(
    private readonly users: UserRepository,
    private readonly passwords: PasswordRepository,
    private readonly attempts: LoginAttemptsService,
    private readonly hasher: PasswordHasher,
    private readonly signIns: SignInService,
    private readonly events: EventBus,
  ) {}

  /**
   * Unknown accounts, accounts without a password and wrong passwords look and time the same. That an account is banned is told
   * only to who has its password.
   * @param limit counts the attempt against limits of the caller; it is called for attempts that are evaluated
   * @throws AuthFortError `invalid_credentials`, `user_banned`, `rate_limit_exceeded`, `password_too_long`, `overloaded`
   */
  async login(
    emailInput: string,
    password: string,
    client: ClientInfo,
    limit: (email: string) => Promise<void> = () => Promise.resolve(),
  ): Promise<AuthResult> {
    assertHashable(password);
    const email = normalizeEmail(emailInput);
    // The place comes first: an attempt that is refused as overloaded is not counted.
    const { credential, matches, outdated, unreadable } = await this.hasher.reserved(async () => {
      await limit(email);
      const found = await this.attempts.admit(email, client.ip);
      return { credential: found, ...(await this.hasher.verify(found?.passwordHash, password)) };
    });
    if (unreadable) {
      this.logger.error(
        `The password hash of user ${credential!.userId} cannot be read; they can sign in again after a password reset`,
      );
    }
    if (!credential?.passwordHash || !matches) {
      throw await this.failed(
        credential?.userId ?? null,
        email,
        credential ? 'wrong_password' : 'unknown_user',
        client,
      );
    }
    if (credential.banned) throw await this.failed(credential.userId, email, 'banned', client);
    const verifiedHash = credential.passwordHash;
    const result = await this.signIns.signIn({ provider: 'email', amr: ['pwd'] }, client, () =>
      this.stillValid(credential.userId, verifiedHash),
    );
    this.hasher.trust(client.ip);
    if (outdated) void this.upgrade(credential.userId, verifiedHash, password);
    return result;
  }

  private async stillValid(userId: string, verifiedHash: string): Promise<User> {
    const user = await this.users.lockForPasswordSignIn(userId, verifiedHash);
    if (!user) throw authError('invalid_credentials');
    return user;
  }

  private async failed(
    userId: string | null,
    email: string,
    reason: AuthEventMap['login_failed']['reason'],
    client: ClientInfo,
  ): Promise<Error> {
    await this.events.emit('login_failed', { userId, email, reason, client });
    return authError(reason === 'banned' ? 'user_banned' : 'invalid_credentials');
  }

  /** Off the request: the sign-in has succeeded whatever becomes of this. */
  private async upgrade(userId: string, oldHash: string, password: string): Promise<void> {
    try {
      await this.passwords.upgrade(userId, oldHash, await this.hasher.hash(password));
    } catch (error) {
      this.logger.warn(
        `A password hash could not be upgraded; the next sign-in tries again: ${String(error)}`,
      );
    }
  }
}
