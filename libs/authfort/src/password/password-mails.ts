import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type MailJob, MailJobs } from '../mail/mail-jobs.js';
import { Mailer } from '../mail/mailer.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { UserRepository } from '../users/user.repository.js';
import { PasswordResetService } from './password-reset.service.js';

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
    const { passwordResetTtlSeconds } = this.config;
    this.jobs.handle('password_reset', (job) => this.sendReset(job), passwordResetTtlSeconds);
    this.jobs.handle('password_changed', (job) => this.sendChanged(job));
  }

  private async sendReset({ email, languages }: MailJob): Promise<void> {
    const token = await this.resets.createToken(email);
    if (token === undefined) return;
    const link = this.mailer.link('reset-password', token);
    const minutes = Math.floor(this.config.passwordResetTtlSeconds / 60);
    await this.mailer.send('password_reset', email, languages, { link, minutes });
  }

  /** To the address of that moment, also after a ban: an attacker may have changed the address or banned the account since. */
  private async sendChanged({ email, userId, languages }: MailJob): Promise<void> {
    const user = userId ? await this.users.findById(userId) : undefined;
    if (!user || user.deletedAt) return;
    await this.mailer.send('password_changed', email, languages, {});
  }
}
