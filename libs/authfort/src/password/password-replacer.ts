import { Inject, Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { MailJobs } from '../mail/mail-jobs.js';
import { PendingProofsService } from '../one-time/pending-proofs.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { SessionService } from '../sessions/session.service.js';
import { PasswordRepository, type StoredPasswords } from './password.repository.js';

/** Puts a new password in the place of an old one, with everything that follows from it. */
@Injectable()
export class PasswordReplacer {
  constructor(
    private readonly database: Database,
    private readonly passwords: PasswordRepository,
    private readonly pending: PendingProofsService,
    private readonly sessions: SessionService,
    private readonly mails: MailJobs,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** The hashes that a new password is compared with. @throws AuthFortError `user_not_found` */
  async stored(userId: string): Promise<StoredPasswords> {
    // The present password counts as one of the history.
    const found = await this.passwords.find(userId, Math.max(0, this.config.passwordPolicy.history - 1));
    if (!found) throw authError('user_not_found');
    return found;
  }

  /**
   * Replaces the password that was compared. Access tokens and pending links of the user are worthless then, and the sessions end, but
   * for `keptSessionId`. Part of the surrounding transaction.
   * @throws AuthFortError `conflict` when somebody else was faster
   */
  async replace(
    user: { id: string; email: string },
    { current }: StoredPasswords,
    next: string,
    keptSessionId?: string,
  ): Promise<void> {
    await this.database.transaction(async () => {
      if (!(await this.passwords.replace(user.id, current, next))) throw authError('conflict');
      const { history } = this.config.passwordPolicy;
      if (current !== null && history > 1)
        await this.passwords.remember(user.id, current, history - 1, this.clock.now());
      await this.pending.discardSignIns(user);
      await this.sessions.revokeAll(user.id, 'password_changed', keptSessionId);
      await this.mails.enqueue('password_changed', user.email, user.id);
    });
  }
}
