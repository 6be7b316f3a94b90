import { Injectable } from '@nestjs/common';
import { LoginAttemptsService } from '../login-attempts/login-attempts.service.js';
import { RequestedMailsRepository } from '../mail/requested-mails.repository.js';
import { EmailOtpService } from './email-otp.service.js';
import { OneTimeTokenRepository } from './one-time-token.repository.js';

/** What lies in store for a user: links and codes that are under way, networks that are known to be theirs. */
@Injectable()
export class PendingProofsService {
  constructor(
    private readonly tokens: OneTimeTokenRepository,
    private readonly otps: EmailOtpService,
    private readonly attempts: LoginAttemptsService,
    private readonly mails: RequestedMailsRepository,
  ) {}

  /** Makes a change of address worthless that was asked for: whoever asked may be the one who is being thrown out. */
  async discardEmailChange(userId: string): Promise<void> {
    await this.tokens.discard(userId, ['email_change']);
    await this.mails.drop(userId, '', []);
  }

  /** What signs in by mail, or gives the account away: worthless once the password is another. */
  async discardSignIns({ id, email }: { id: string; email: string }): Promise<void> {
    await this.tokens.discard(id, ['password_reset', 'magic_link', 'email_change']);
    await this.otps.discard(email);
    await this.mails.drop(id, email, ['magic_link', 'email_otp', 'password_reset']);
  }

  /** Makes all of them worthless, and leaves none of the address behind. */
  async discard({ id, email }: { id: string; email: string }): Promise<void> {
    await this.tokens.discardAll(id, email);
    await this.otps.discard(email);
    await this.attempts.forgetNetworks(email);
    await this.mails.drop(id, email, ['magic_link', 'email_otp', 'password_reset', 'email_verification']);
  }
}
