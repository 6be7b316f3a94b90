import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { MailJobs } from '../mail/mail-jobs.js';
import { Mailer } from '../mail/mailer.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { UserRepository } from '../users/user.repository.js';
import { EmailChangeService } from './email-change.service.js';

/** Mails the link to the new address. Informs the old address of the requested and of the completed change. */
@Injectable()
export class EmailChangeMails implements OnModuleInit {
  constructor(
    private readonly jobs: MailJobs,
    private readonly mailer: Mailer,
    private readonly users: UserRepository,
    private readonly changes: EmailChangeService,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('email_change', async ({ email, userId, languages, data }) => {
      const user = userId ? await this.users.findById(userId) : undefined;
      const since = { email: data.from ?? '', tokenVersion: Number(data.version), sessionId: data.session };
      if (user?.email !== since.email || user.tokenVersion !== since.tokenVersion) return;
      const token = await this.changes.createToken(user.id, email, since);
      if (token === undefined) return;
      const minutes = Math.floor(this.config.emailVerifyTtlSeconds / 60);
      await this.mailer.send('email_change', email, languages, {
        link: this.mailer.link('confirm-email', token),
        minutes,
      });
    });
    this.jobs.handle('email_change_requested', async ({ email, userId, languages, data }) => {
      const user = userId ? await this.users.findById(userId) : undefined;
      if (!user || user.banned || user.deletedAt) return;
      await this.mailer.send('email_change_requested', email, languages, { email: data.email ?? '' });
    });
    // Also after a ban: an attacker who took the account over may have banned it.
    this.jobs.handle('email_changed', async ({ email, userId, languages, data }) => {
      const user = userId ? await this.users.findById(userId) : undefined;
      if (!user || user.deletedAt) return;
      await this.mailer.send('email_changed', email, languages, { email: data.email ?? '' });
    });
  }
}
