import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MailJobs } from '../mail/mail-jobs.js';
import { Mailer } from '../mail/mailer.js';
import { UserRepository } from '../users/user.repository.js';
import { PasswordResetService } from './password-reset.service.js';
import { Inject } from '@nestjs/common';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';

/** The mails about passwords. */
@Injectable()
export class PasswordMails implements OnModuleInit {
  constructor(
    private readonly jobs: MailJobs,
    private readonly mailer: Mailer,
    private readonly users: UserRepository,
    private readonly resets: PasswordResetService,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('password_reset', async ({ email, languages }) => {
      const user = await this.users.findByEmail(email);
      if (!user || user.banned) return;
      const link = this.mailer.link('reset-password', await this.resets.createToken(user));
      const minutes = Math.floor(this.config.passwordResetTtlSeconds / 60);
      await this.mailer.send('password_reset', email, languages, { link, minutes });
    });
    this.jobs.handle('password_changed', ({ email, languages }) =>
      this.mailer.send('password_changed', email, languages, {}),
    );
  }
}
