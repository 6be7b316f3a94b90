import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import type { ClientInfo } from '../http/client-info.js';
import { EmailOtpService } from '../one-time/email-otp.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { AuthResult } from '../sessions/auth-result.js';
import { EmailProofService } from '../sign-in/email-proof.service.js';
import { SignInService } from '../sign-in/sign-in.service.js';
import { UserRepository } from '../users/user.repository.js';

/** Signs in by a six-digit code to the user's address. */
@Injectable()
export class OtpService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly codes: EmailOtpService,
    private readonly proofs: EmailProofService,
    private readonly signIns: SignInService,
    private readonly events: EventBus,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * A code for {@link signIn}; the one before is worthless. Undefined for an address that may not sign in, or at which so many codes were
   * guessed wrong today that none is taken.
   */
  async createCode(email: string): Promise<string | undefined> {
    const user = await this.users.findByEmail(email);
    if (user ? user.banned || user.deletedAt : !this.config.allowPasswordlessSignup) {
      await this.createCodesForNobody([email]);
      return undefined;
    }
    return this.database.transaction(async () => {
      const code = await this.codes.issue(email);
      if (user && code !== undefined)
        await this.events.emit('email_otp_requested', { userId: user.id, email });
      return code;
    });
  }

  /** The same rows as for users: guesses at them are answered and counted in the same way. */
  createCodesForNobody(emails: readonly string[]): Promise<void> {
    return this.codes.issueToNobody(emails);
  }

  /** @throws AuthFortError `invalid_otp`, `user_banned` */
  async signIn(email: string, code: string, client: ClientInfo): Promise<AuthResult> {
    // Judged and counted by itself: a wrong guess has to stay counted although the sign-in fails.
    if (!(await this.codes.redeem(email, code))) throw authError('invalid_otp');
    return this.signIns.signIn({ provider: 'email_otp', amr: ['otp'] }, client, async () => {
      const user = await this.proofs.identify(email, 'email_otp');
      await this.events.emit('email_otp_login', { userId: user.id, email });
      return user;
    });
  }
}
