import { Inject, Injectable } from '@nestjs/common';
import { authError } from '../errors/catalog.js';
import type { ClientInfo } from '../http/client-info.js';
import { MailJobs } from '../mail/mail-jobs.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { RateLimiter } from '../rate-limits/rate-limiter.js';
import type { AuthResult } from '../sessions/auth-result.js';
import { SignInService } from '../sign-in/sign-in.service.js';
import { NewAccountService } from './new-account.service.js';
import { PasswordHasher } from './password-hasher.js';

/** What somebody signs up with. */
export interface SignupInput {
  email: string;
  password: string;
  name?: string | null;
  avatarUrl?: string | null;
  phone?: string | null;
}

/** Lets people make an account for themselves, with a password. */
@Injectable()
export class SignupService {
  constructor(
    private readonly accounts: NewAccountService,
    private readonly hasher: PasswordHasher,
    private readonly mails: MailJobs,
    private readonly limiter: RateLimiter,
    private readonly signIns: SignInService,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * Creates the account and signs it in: both or neither.
   * @throws AuthFortError `signup_disabled`, and as {@link NewAccountService.prepare}
   */
  async signup(input: SignupInput, client: ClientInfo): Promise<AuthResult> {
    if (!this.config.allowSignup) throw authError('signup_disabled');
    const prepared = await this.accounts.prepare(input);
    // Whoever makes and deletes an account again and again must not fill somebody's mailbox by it. (The mail can be asked for later.)
    const welcome = await this.limiter.allows('mailPerAddress', '', `email_verification ${prepared.email}`);
    const result = await this.signIns.signIn({ provider: 'email', amr: ['pwd'] }, client, async () => {
      const user = await this.accounts.insert(prepared, 'email');
      if (welcome) await this.mails.enqueue('email_verification', user.email, user.id);
      return user;
    });
    this.hasher.trust(client.ip);
    return result;
  }
}
