import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { MailJobs } from '../mail/mail-jobs.js';
import type { AccountState } from '../one-time/one-time-token.repository.js';
import { OneTimeTokenService } from '../one-time/one-time-token.service.js';
import { PendingProofsService } from '../one-time/pending-proofs.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { EmailProofService, type LinkFollower } from '../sign-in/email-proof.service.js';
import { UserRepository } from '../users/user.repository.js';

/** Gives accounts another e-mail address. */
@Injectable()
export class EmailChangeService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly tokens: OneTimeTokenService,
    private readonly pending: PendingProofsService,
    private readonly proofs: EmailProofService,
    private readonly mails: MailJobs,
    private readonly events: EventBus,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * Mails a link to the new address, and word of it to the old one. Nothing tells whether the new one is taken: no link is mailed then.
   * @param email as {@link normalizeEmail} returns it
   */
  async request(user: { id: string } & AccountState, email: string): Promise<void> {
    const since = {
      from: user.email,
      version: String(user.tokenVersion),
      ...(user.sessionId && { session: user.sessionId }),
    };
    await this.database.transaction(async () => {
      await this.mails.enqueue('email_change', email, user.id, since);
      await this.mails.enqueue('email_change_requested', user.email, user.id, { email });
      await this.events.emit('email_change_requested', { userId: user.id });
    });
  }

  /**
   * @param since the account when the change was asked for: a token for who has lost it meanwhile would give it back to them
   * @returns a token for {@link confirm}; undefined when the address is taken
   */
  async createToken(userId: string, email: string, since: AccountState): Promise<string | undefined> {
    if (await this.users.exists(email)) return undefined;
    return this.tokens.issue('email_change', { userId, email }, this.config.emailVerifyTtlSeconds, since);
  }

  /** @throws AuthFortError `invalid_verification_token`; `user_exists` when the address was taken meanwhile */
  async confirm(token: string, follower: LinkFollower): Promise<void> {
    const userId = (await this.tokens.find('email_change', token))?.userId;
    if (!userId) throw authError('invalid_verification_token');
    await this.database.transaction(async () => {
      // The account before the token, in this order everywhere.
      const user = await this.users.lockById(userId);
      const subject = await this.tokens.consume('email_change', token);
      if (!user || user.deletedAt || !subject) throw authError('invalid_verification_token');
      await this.apply(user, subject.email, true, await this.proofs.isHolder(user, follower));
    });
  }

  /**
   * Changes the address immediately and mails the old address, for every kind of caller. Links and codes that were mailed to the old
   * address become invalid. Part of the surrounding transaction, in which the account is locked.
   * @param ownerConfirmed whether the account's holder is known to own the new address. Default `verified`: an administrator vouches for both
   * @throws AuthFortError `user_exists`
   */
  async apply(
    user: { id: string; email: string },
    email: string,
    verified: boolean,
    ownerConfirmed = verified,
  ): Promise<void> {
    if (!(await this.users.changeEmail(user.id, email, verified, ownerConfirmed)))
      throw authError('user_exists');
    await this.pending.discard(user);
    await this.mails.enqueue('email_changed', user.email, user.id, { email });
    await this.events.emit('email_changed', { userId: user.id, email, oldEmail: user.email });
  }
}
