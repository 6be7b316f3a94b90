import { Inject, Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { PendingProofsService } from '../one-time/pending-proofs.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { SessionService } from '../sessions/session.service.js';
import { UserRepository } from '../users/user.repository.js';
import type { User } from '../users/user.js';

/** Finds, or makes, the account of somebody who has just proved that an address is theirs. */
@Injectable()
export class EmailProofService {
  constructor(
    private readonly users: UserRepository,
    private readonly sessions: SessionService,
    private readonly pending: PendingProofsService,
    private readonly events: EventBus,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * Call it within the transaction of the sign-in.
   * @param provider the name that `user_created` carries
   * @param prove takes what proves the address, once the account is locked: accounts come before tokens, in this order everywhere
   * @throws AuthFortError `signup_disabled` when there is no account and none may be made
   */
  async identify(
    email: string,
    provider: string,
    prove: (user: User | undefined) => Promise<void> = () => Promise.resolve(),
  ): Promise<User> {
    const user = await this.users.lockByEmail(email);
    await prove(user);
    if (user) return user.emailVerified ? user : this.takeOver(user);
    if (!this.config.allowPasswordlessSignup) throw authError('signup_disabled');
    const created = await this.users.createUnlessTaken(
      { email, emailVerified: true, passwordHash: null, name: null, avatarUrl: null, phone: null },
      this.clock.now(),
    );
    // Somebody has signed up in this very moment: the next attempt finds the account.
    if (!created) throw authError('conflict');
    await this.events.emit('user_created', { userId: created.id, email, userName: null, provider });
    return created;
  }

  /**
   * Whoever made the account has never shown that the address is theirs: it may have been somebody who waits for its owner. What they
   * know or hold is worth nothing from now on.
   */
  private async takeOver(user: User): Promise<User> {
    const { id: userId, email } = user;
    await this.users.takeOverUnverified(userId);
    await this.pending.discard(user);
    await this.sessions.revokeAll(userId, 'email_proved_by_another');
    await this.events.emit('email_verified', { userId, email });
    return (await this.users.findById(userId))!;
  }
}
