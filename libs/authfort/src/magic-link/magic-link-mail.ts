import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type MailJob, MailJobs } from '../mail/mail-jobs.js';
import { Mailer } from '../mail/mailer.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { MagicLinkService } from './magic-link.service.js';

/** Mails the links. */
@Injectable()
export class MagicLinkMail implements OnModuleInit {
  constructor(
    private readonly jobs: MailJobs,
    private readonly mailer: Mailer,
    private readonly links: MagicLinkService,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  onModuleInit(): void {
    const { magicLinkTtlSeconds, allowPasswordlessSignup } = this.config;
    const send = async ({ email, languages }: MailJob) => {
      const token = await this.links.createToken(email);
      if (token === undefined) return;
      const link = this.mailer.link('magic-link', token);
      const minutes = Math.floor(magicLinkTtlSeconds / 60);
      await this.mailer.send('magic_link', email, languages, { link, minutes });
    };
    this.jobs.handle('magic_link', send, magicLinkTtlSeconds, allowPasswordlessSignup ? 'send' : 'drop');
  }
}
