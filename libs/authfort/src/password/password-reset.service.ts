import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { type ClientInfo, NO_CLIENT } from '../http/client-info.js';
import { LoginAttemptsService } from '../login-attempts/login-attempts.service.js';
import { OneTimeTokenService } from '../one-time/one-time-token.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { EmailProofService } from '../sign-in/email-proof.service.js';
import { UserRepository } from '../users/user.repository.js';
import { NewPasswordService } from './new-password.service.js';
import { PasswordReplacer } from './password-replacer.js';

/** Lets who has forgotten their password choose a new one, by a link to their address. */
@Injectable()
export class PasswordResetService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly tokens: OneTimeTokenService,
    private readonly attempts: LoginAttemptsService,
    private readonly newPasswords: NewPasswordService,
    private readonly replacer: PasswordReplacer,
    private readonly proofs: EmailProofService,
    private readonly events: EventBus,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** A token for {@link reset}. Undefined for an address that has no account, or a banned one. */
  async createToken(email: string): Promise<string | undefined> {
    const user = await this.users.findByEmail(email);
    if (!user || user.banned || user.deletedAt) return undefined;
    return this.database.transaction(async () => {
      const subject = { userId: user.id, email };
      const token = await this.tokens.issue('password_reset', subject, this.config.passwordResetTtlSeconds);
      await this.events.emit('password_reset_requested', subject);
      return token;
    });
  }

  /**
   * Sets a new password and ends all sessions. Who has the link has the address: it is verified from now on.
   * @throws AuthFortError `invalid_reset_token`, and what a new password is refused for
   */
  async reset(token: string, newPassword: string, client: ClientInfo = NO_CLIENT): Promise<void> {
    this.newPasswords.assertLength(newPassword);
    const { user, stored, hash } = await this.newPasswords.reserved(() => this.prepare(token, newPassword));
    await this.database.transaction(async () => {
      // The account before the token, in this order everywhere.
      if (!(await this.users.lock(user.id))) throw authError('invalid_reset_token');
      const subject = await this.tokens.consume('password_reset', token);
      if (subject?.email !== user.email) throw authError('invalid_reset_token');
      await this.replacer.replace(user, stored, hash);
      await this.proofs.afterReset(user);
      // The owner is where this comes from, and need not be where somebody signed in before.
      await this.attempts.forgetNetworks(user.email);
      await this.attempts.welcome(user.email, client.ip, false);
      await this.events.emit('password_reset', { userId: user.id });
    });
  }

  /** Checks the token before it hashes: a request without one must not cost a hash. */
  private async prepare(token: string, newPassword: string) {
    const userId = (await this.tokens.find('password_reset', token))?.userId;
    const user = userId ? await this.users.findById(userId) : undefined;
    if (!user || user.deletedAt) throw authError('invalid_reset_token');
    const stored = await this.replacer.stored(user.id);
    // A racer may have used the token since: then the password that was just read is the new one.
    if (!(await this.tokens.find('password_reset', token))) throw authError('invalid_reset_token');
    return { user, stored, hash: await this.newPasswords.hash(newPassword, user.id, stored) };
  }
}
