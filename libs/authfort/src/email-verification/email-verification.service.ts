import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { MailJobs } from '../mail/mail-jobs.js';
import { OneTimeTokenService } from '../one-time/one-time-token.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { EmailProofService, type LinkFollower } from '../sign-in/email-proof.service.js';
import { AddressOwnershipRepository } from '../users/address-ownership.repository.js';
import { UserRepository } from '../users/user.repository.js';

/** Finds out whether the address of an account is its owner's. */
@Injectable()
export class EmailVerificationService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly ownership: AddressOwnershipRepository,
    private readonly proofs: EmailProofService,
    private readonly tokens: OneTimeTokenService,
    private readonly mails: MailJobs,
    private readonly events: EventBus,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** Asks for the mail. Part of the surrounding transaction. */
  request(user: { id: string; email: string }): Promise<void> {
    return this.mails.enqueue('email_verification', user.email, user.id);
  }

  /** @returns a token for {@link verify} */
  createToken(user: { id: string; email: string }): Promise<string> {
    return this.database.transaction(async () => {
      const subject = { userId: user.id, email: user.email };
      const token = await this.tokens.issue('email_verification', subject, this.config.emailVerifyTtlSeconds);
      await this.events.emit('email_verification_requested', subject);
      return token;
    });
  }

  /**
   * @param follower undefined: the caller vouches that the person who follows the link also holds the account
   * @throws AuthFortError `invalid_verification_token`
   */
  async verify(token: string, follower?: LinkFollower): Promise<void> {
    await this.database.transaction(async () => {
      const userId = (await this.tokens.find('email_verification', token))?.userId;
      // The account before the token, in this order everywhere.
      if (!userId || !(await this.users.lock(userId))) throw authError('invalid_verification_token');
      const subject = await this.tokens.consume('email_verification', token);
      if (!subject) throw authError('invalid_verification_token');
      const { email } = subject;
      const ownerConfirmed = !follower || (await this.proofs.isHolder({ id: userId, email }, follower));
      const verified = await this.ownership.verify(userId, email, ownerConfirmed);
      if (!verified) throw authError('invalid_verification_token');
      if (!verified.verifiedBefore) await this.events.emit('email_verified', { userId, email });
    });
  }
}
