import { Inject, Injectable } from '@nestjs/common';
import { MailJobs } from '../mail/mail-jobs.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { RateLimiter } from '../rate-limits/rate-limiter.js';

/** Mails the link that verifies an address, at sign-up and when a sign-in is refused because the address is not verified. */
@Injectable()
export class VerificationLinkService {
  constructor(
    private readonly mails: MailJobs,
    private readonly limiter: RateLimiter,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** Whether an account has to have its address verified before it signs in. */
  isMissing({ emailVerified }: { emailVerified: boolean }): boolean {
    return this.config.requireVerifiedEmail && !emailVerified;
  }

  /** Counts one mail to the address. Beyond `mailPerAddress` no mail is sent: sign-ups and sign-ins must not fill a mailbox. */
  mayMail(email: string): Promise<boolean> {
    return this.limiter.allows('mailPerAddress', '', `email_verification ${email}`);
  }

  /** Part of the surrounding transaction. */
  mail(userId: string, email: string): Promise<void> {
    return this.mails.enqueue('email_verification', email, userId);
  }
}
