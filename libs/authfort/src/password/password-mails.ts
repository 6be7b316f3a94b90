import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { MailJobs } from '../mail/mail-jobs.js';
import { Mailer } from '../mail/mailer.js';
import { PasswordResetService } from './password-reset.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';

/** The mails about passwords. */
@Injectable()
export class PasswordMails implements OnModuleInit {
  constructor(
    private readonly jobs: MailJobs,
    private readonly mailer: Mailer,
    private readonly resets: PasswordResetService,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('password_reset', async ({ email, languages }) => {
      const token = await this.resets.createToken(email);
      if (token === undefined) return;
      const link = this.mailer.link('reset-password', token);
      const minutes = Math.floor(this.config.passwordResetTtlSeconds / 60);
      await this.mailer.send('password_reset', email, languages, { link, minutes });
    });
    this.jobs.handle('password_changed', ({ email, languages }) =>
      this.mailer.send('password_changed', email, languages, {}),
    );
  }
}
