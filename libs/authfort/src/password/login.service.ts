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
import { VerificationLinkService } from './verification-link.service.js';

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
    private readonly links: VerificationLinkService,
    private readonly events: EventBus,
  ) {}

  /**
   * Unknown accounts, accounts without a password and wrong passwords get the same answer after the same time, from every network. Only the
   * right password reveals that an account is banned or, with `requireVerifiedEmail`, that its address is not verified.
   * @param limit counts the attempt against limits of the caller; it is called for attempts that are evaluated
   * @throws AuthFortError `invalid_credentials`, `user_banned`, `email_not_verified`, `rate_limit_exceeded`, `password_too_long`, `overloaded`
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
    const { attempt, matches, outdated, unreadable } = await this.hasher.reserved(async () => {
      await limit(email);
      const counted = await this.attempts.admit(email, client.ip);
      return {
        attempt: counted,
        ...(await this.hasher.verify(counted.credential?.passwordHash, password)),
      };
    });
    const { credential } = attempt;
    if (unreadable) {
      this.logger.error(
        `The password hash of user ${credential!.userId} cannot be read; they can sign in again after a password reset`,
      );
    }
    if (!credential?.passwordHash || !matches) {
      await this.attempts.refuse(attempt, email, client.ip);
      throw await this.failed(
        credential?.userId ?? null,
        email,
        credential ? 'wrong_password' : 'unknown_user',
        client,
      );
    }
    if (credential.banned) throw await this.failed(credential.userId, email, 'banned', client);
    if (this.links.isMissing(credential)) throw await this.unverified(credential.userId, email, client);
    const verifiedHash = credential.passwordHash;
    const method = { provider: 'email', amr: ['pwd'], attemptCounted: attempt.counted };
    const result = await this.signIns.signIn(method, client, () =>
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

  /** With the right password the link is mailed again. */
  private async unverified(userId: string, email: string, client: ClientInfo): Promise<Error> {
    if (await this.links.mayMail(email)) await this.links.mail(userId, email);
    return this.failed(userId, email, 'email_not_verified', client);
  }

  private async failed(
    userId: string | null,
    email: string,
    reason: AuthEventMap['login_failed']['reason'],
    client: ClientInfo,
  ): Promise<Error> {
    await this.events.emit('login_failed', { userId, email, reason, client });
    if (reason === 'email_not_verified') return authError(reason);
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
