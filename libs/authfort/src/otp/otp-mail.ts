import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type MailJob, MailJobs } from '../mail/mail-jobs.js';
import { Mailer } from '../mail/mailer.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { OtpService } from './otp.service.js';

/** Mails the codes. */
@Injectable()
export class OtpMail implements OnModuleInit {
  constructor(
    private readonly jobs: MailJobs,
    private readonly mailer: Mailer,
    private readonly otps: OtpService,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  onModuleInit(): void {
    const { emailOtpTtlSeconds } = this.config;
    const send = async ({ email, languages }: MailJob) => {
      const code = await this.otps.createCode(email);
      const minutes = Math.floor(emailOtpTtlSeconds / 60);
      if (code !== undefined) await this.mailer.send('email_otp', email, languages, { code, minutes });
    };
    this.jobs.handle('email_otp', send, emailOtpTtlSeconds);
  }
}
