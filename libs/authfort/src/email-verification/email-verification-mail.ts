import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { MailJobs } from '../mail/mail-jobs.js';
import { Mailer } from '../mail/mailer.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { UserRepository } from '../users/user.repository.js';
import { EmailVerificationService } from './email-verification.service.js';

/** Mails the links. */
@Injectable()
export class EmailVerificationMail implements OnModuleInit {
  constructor(
    private readonly jobs: MailJobs,
    private readonly mailer: Mailer,
    private readonly users: UserRepository,
    private readonly verification: EmailVerificationService,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  onModuleInit(): void {
    this.jobs.handle('email_verification', async ({ email, languages }) => {
      const user = await this.users.findByEmail(email);
      if (!user || user.banned || user.deletedAt || user.emailVerified) return;
      const link = this.mailer.link('verify-email', await this.verification.createToken(user));
      const minutes = Math.floor(this.config.emailVerifyTtlSeconds / 60);
      await this.mailer.send('email_verification', email, languages, { link, minutes });
    });
  }
}
