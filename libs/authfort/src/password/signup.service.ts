import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import type { ClientInfo } from '../http/client-info.js';
import { LoginAttemptsService } from '../login-attempts/login-attempts.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { AuthResult } from '../sessions/auth-result.js';
import { SignInService } from '../sign-in/sign-in.service.js';
import type { User } from '../users/user.js';
import { NewAccountService } from './new-account.service.js';
import { PasswordHasher } from './password-hasher.js';
import { VerificationLinkService } from './verification-link.service.js';

/** What somebody signs up with. */
export interface SignupInput {
  email: string;
  password: string;
  name?: string | null;
  avatarUrl?: string | null;
  phone?: string | null;
}

/** A new account that is not signed in: its address has to be verified first. */
export interface UnverifiedSignup {
  readonly user: User;
  readonly tokens: null;
}

/** Lets people make an account for themselves, with a password. */
@Injectable()
export class SignupService {
  constructor(
    private readonly database: Database,
    private readonly accounts: NewAccountService,
    private readonly hasher: PasswordHasher,
    private readonly links: VerificationLinkService,
    private readonly attempts: LoginAttemptsService,
    private readonly signIns: SignInService,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * Creates the account and signs it in: both or neither. With `requireVerifiedEmail` it is created only.
   * @throws AuthFortError `signup_disabled`, and as {@link NewAccountService.prepare}
   */
  async signup(input: SignupInput, client: ClientInfo): Promise<AuthResult | UnverifiedSignup> {
    if (!this.config.allowSignup) throw authError('signup_disabled');
    const prepared = await this.accounts.prepare(input);
    const mailed = await this.links.mayMail(prepared.email);
    const create = async () => {
      const user = await this.accounts.insert(prepared, 'email');
      if (mailed) await this.links.mail(user.id, user.email);
      return user;
    };
    if (!this.config.requireVerifiedEmail) {
      const result = await this.signIns.signIn({ provider: 'email', amr: ['pwd'] }, client, create);
      this.hasher.trust(client.ip);
      return result;
    }
    const user = await this.database.transaction(async () => {
      const created = await create();
      // A link that is followed from this network counts as followed by the person who signed up.
      await this.attempts.welcome(created.email, client.ip, false);
      return created;
    });
    return { user, tokens: null };
  }
}
