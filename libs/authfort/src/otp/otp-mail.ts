import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { MagicLinkService } from '../magic-link/magic-link.service.js';
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
    private readonly links: MagicLinkService,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  onModuleInit(): void {
    const { emailOtpTtlSeconds, magicLinkTtlSeconds, allowPasswordlessSignup } = this.config;
    const send = async ({ email, languages }: MailJob) => {
      const code = await this.otps.createCode(email);
      const minutes = Math.floor(emailOtpTtlSeconds / 60);
      if (code !== undefined) return this.mailer.send('email_otp', email, languages, { code, minutes });
      // Whoever has guessed so many codes that none is taken today must not keep the owner out: a link cannot be guessed.
      const token = await this.links.createToken(email);
      if (token === undefined) return;
      const link = this.mailer.link('magic-link', token);
      await this.mailer.send('magic_link', email, languages, {
        link,
        minutes: Math.floor(magicLinkTtlSeconds / 60),
      });
    };
    const toNobody = (emails: readonly string[]) => this.otps.createCodesForNobody(emails);
    this.jobs.handle('email_otp', send, emailOtpTtlSeconds, allowPasswordlessSignup ? 'send' : toNobody);
  }
}
