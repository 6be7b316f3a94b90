import { Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { normalizeAvatarUrl, normalizeEmail, normalizeName, normalizePhone } from '../users/user-fields.js';
import { UserRepository } from '../users/user.repository.js';
import type { NewUser, User } from '../users/user.js';
import { NewPasswordService } from './new-password.service.js';

/** What an account is made from, as it was given. */
export interface NewAccountInput {
  email: string;
  /** Without one, the user signs in by mail or sets one through "forgot password". */
  password?: string | null;
  name?: string | null;
  avatarUrl?: string | null;
  phone?: string | null;
  /** Default false. */
  emailVerified?: boolean;
}

/** Makes accounts, in two steps: what takes its time comes before the transaction. */
@Injectable()
export class NewAccountService {
  constructor(
    private readonly users: UserRepository,
    private readonly newPasswords: NewPasswordService,
    private readonly events: EventBus,
    private readonly clock: Clock,
  ) {}

  /**
   * Checks the fields and hashes the password.
   * @throws AuthFortError `invalid_email`, `invalid_name`, `invalid_phone`, `invalid_avatar_url`, `password_too_short`,
   * `password_too_long`, `password_pwned`, `user_exists`, `overloaded`
   */
  async prepare({ password, emailVerified, ...input }: NewAccountInput): Promise<NewUser> {
    const email = normalizeEmail(input.email);
    const profile = {
      name: normalizeName(input.name),
      avatarUrl: normalizeAvatarUrl(input.avatarUrl),
      phone: normalizePhone(input.phone),
    };
    const create = async (hash: () => Promise<string | null>): Promise<NewUser> => {
      // Saves the hash in the usual case; the unique index decides.
      if (await this.users.exists(email)) throw authError('user_exists');
      return { email, ...profile, passwordHash: await hash(), emailVerified: emailVerified ?? false };
    };
    if (password == null) return create(() => Promise.resolve(null));
    this.newPasswords.assertLength(password);
    return this.newPasswords.reserved(() => create(() => this.newPasswords.hash(password, null)));
  }

  /**
   * Part of the surrounding transaction.
   * @param provider the name that `user_created` carries
   * @throws AuthFortError `user_exists`
   */
  async insert(prepared: NewUser, provider: string): Promise<User> {
    const user = await this.users.createUnlessTaken(prepared, this.clock.now());
    if (!user) throw authError('user_exists');
    const { id: userId, email, name: userName } = user;
    await this.events.emit('user_created', { userId, email, userName, provider });
    return user;
  }
}
