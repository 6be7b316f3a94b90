import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { MailJobs } from '../mail/mail-jobs.js';
import { PendingProofsService } from '../one-time/pending-proofs.service.js';
import type { AccountState } from '../one-time/one-time-token.repository.js';
import { NewPasswordService } from './new-password.service.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordReplacer } from './password-replacer.js';
import { assertHashable } from './password.policy.js';
import { PasswordRepository } from './password.repository.js';

/** Passwords of who is signed in. */
@Injectable()
export class ChangePasswordService {
  constructor(
    private readonly database: Database,
    private readonly passwords: PasswordRepository,
    private readonly hasher: PasswordHasher,
    private readonly newPasswords: NewPasswordService,
    private readonly replacer: PasswordReplacer,
    private readonly pending: PendingProofsService,
    private readonly mails: MailJobs,
    private readonly events: EventBus,
  ) {}

  /** @throws AuthFortError `invalid_password` also where the account has none; `user_not_found`, `overloaded` */
  async assertPassword(userId: string, password: string): Promise<void> {
    assertHashable(password);
    await this.hasher.reserved(async () => {
      const { current } = await this.replacer.stored(userId);
      if (!(await this.hasher.verify(current, password)).matches) throw authError('invalid_password');
    });
  }

  /**
   * Ends the other sessions, or all when `keptSessionId` is left out. Access tokens end in any case; a session that is kept refreshes.
   * @throws AuthFortError `invalid_password`, `conflict`, and what a new password is refused for
   */
  async change(
    user: { id: string; email: string },
    oldPassword: string,
    newPassword: string,
    keptSessionId?: string,
  ): Promise<void> {
    this.newPasswords.assertLength(newPassword);
    assertHashable(oldPassword);
    const { stored, hash } = await this.hasher.reserved(async () => {
      const found = await this.replacer.stored(user.id);
      if (!(await this.hasher.verify(found.current, oldPassword)).matches)
        throw authError('invalid_password');
      return { stored: found, hash: await this.newPasswords.hash(newPassword, user.id, found) };
    });
    await this.database.transaction(async () => {
      await this.replacer.replace(user, stored, hash, keptSessionId);
      await this.events.emit('password_changed', { userId: user.id });
    });
  }

  /**
   * Gives an account its first password, and says so by mail.
   * @param user as it was when the request was let in: if its access or the session has been taken away since, the password is not theirs to set
   * @throws AuthFortError `password_already_set`, and what a new password is refused for
   */
  async set(user: { id: string } & AccountState, password: string): Promise<void> {
    const { id: userId, email, tokenVersion, sessionId = null } = user;
    const hash = await this.hasher.reserved(async () => {
      const stored = await this.replacer.stored(userId);
      if (stored.current !== null) throw authError('password_already_set');
      return this.newPasswords.hash(password, userId, stored);
    });
    await this.database.transaction(async () => {
      if (!(await this.passwords.setFirst(userId, hash, tokenVersion, sessionId)))
        throw authError('password_already_set');
      // What was asked for before may have been asked for by somebody else.
      await this.pending.discardSignIns(user);
      await this.events.emit('password_set', { userId });
      await this.mails.enqueue('password_changed', email, userId);
    });
  }
}
