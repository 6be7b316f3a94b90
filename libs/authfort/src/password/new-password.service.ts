import { Inject, Injectable } from '@nestjs/common';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { BreachList } from './breach-list.js';
import { PasswordHasher } from './password-hasher.js';
import type { StoredPasswords } from './password.repository.js';
import { assertAcceptablePassword, normalizePassword } from './password.policy.js';

const NONE: StoredPasswords = { current: null, earlier: [] };

/** Says whether a new password will do, and hashes it. Outside a transaction: it takes its time. */
@Injectable()
export class NewPasswordService {
  constructor(
    private readonly hasher: PasswordHasher,
    private readonly breaches: BreachList,
    private readonly events: EventBus,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** See {@link PasswordHasher.reserved}. */
  reserved<T>(work: () => Promise<T>): Promise<T> {
    return this.hasher.reserved(work);
  }

  /** Refuses what is too short or too long: cheap, and so the first thing. */
  assertLength(password: string): void {
    assertAcceptablePassword(password, this.config.passwordPolicy.minLength);
  }

  /**
   * The hash of a password that will do.
   * @param userId null at sign-up
   * @throws AuthFortError `password_too_short`, `password_too_long`, `password_unchanged`, `password_reused`, `password_pwned`, `overloaded`
   */
  async hash(password: string, userId: string | null, stored: StoredPasswords = NONE): Promise<string> {
    this.assertLength(password);
    // Every typed form that normalises to a breached password would match.
    if (await this.hasher.paused(() => this.breaches.contains(normalizePassword(password)))) {
      await this.events.emit('password_pwned_rejected', { userId });
      throw authError('password_pwned');
    }
    if (stored.current !== null && (await this.hasher.verify(stored.current, password)).matches)
      throw authError('password_unchanged');
    for (const earlier of stored.earlier) {
      if (!(await this.hasher.verify(earlier, password)).matches) continue;
      if (userId !== null) await this.events.emit('password_reuse_rejected', { userId });
      throw authError('password_reused');
    }
    return this.hasher.hash(password);
  }
}
