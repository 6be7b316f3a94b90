import { Inject, Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import type { ClientInfo } from '../http/client-info.js';
import { MailJobs } from '../mail/mail-jobs.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { AuthResult } from '../sessions/auth-result.js';
import { SignInService } from '../sign-in/sign-in.service.js';
import { normalizeAvatarUrl, normalizeEmail, normalizeName, normalizePhone } from '../users/user-fields.js';
import { UserRepository } from '../users/user.repository.js';
import type { NewUser, User } from '../users/user.js';
import { NewPasswordService } from './new-password.service.js';

/** What somebody signs up with. */
export interface SignupInput {
  email: string;
  password: string;
  name?: string | null;
  avatarUrl?: string | null;
  phone?: string | null;
}

/** Creates accounts that have a password. */
@Injectable()
export class SignupService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly newPasswords: NewPasswordService,
    private readonly mails: MailJobs,
    private readonly signIns: SignInService,
    private readonly events: EventBus,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * Creates the account and signs it in: both or neither.
   * @throws AuthFortError `signup_disabled`, `invalid_email`, `invalid_name`, `invalid_phone`, `invalid_avatar_url`,
   * `password_too_short`, `password_too_long`, `user_exists`, `overloaded`
   */
  async signup(input: SignupInput, client: ClientInfo): Promise<AuthResult> {
    if (!this.config.allowSignup) throw authError('signup_disabled');
    const prepared = await this.prepare(input);
    return this.signIns.signIn({ provider: 'email', amr: ['pwd'] }, client, async () => {
      const user = await this.insert(prepared);
      await this.mails.enqueue('email_verification', user.email, user.id);
      return user;
    });
  }

  /** Creates the account without signing it in, also where sign-up is closed. @throws as {@link signup} */
  async create(input: SignupInput): Promise<User> {
    const prepared = await this.prepare(input);
    return this.database.transaction(() => this.insert(prepared));
  }

  private async prepare(input: SignupInput): Promise<NewUser> {
    const email = normalizeEmail(input.email);
    const profile = {
      name: normalizeName(input.name),
      avatarUrl: normalizeAvatarUrl(input.avatarUrl),
      phone: normalizePhone(input.phone),
    };
    this.newPasswords.assertLength(input.password);
    // Saves the hash in the usual case; the unique index is what decides.
    if (await this.users.exists(email)) throw authError('user_exists');
    return { email, ...profile, passwordHash: await this.newPasswords.hash(input.password, null) };
  }

  private async insert(newUser: NewUser): Promise<User> {
    const user = await this.users.createUnlessTaken(newUser, this.clock.now());
    if (!user) throw authError('user_exists');
    await this.events.emit('user_created', {
      userId: user.id,
      email: user.email,
      name: user.name,
      provider: 'email',
    });
    return user;
  }
}
