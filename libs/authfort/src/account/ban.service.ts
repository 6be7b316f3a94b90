import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { PendingProofsService } from '../one-time/pending-proofs.service.js';
import { SessionService } from '../sessions/session.service.js';
import { UserRepository } from '../users/user.repository.js';

/** Shuts an account out, and lets it in again. */
@Injectable()
export class BanService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly pending: PendingProofsService,
    private readonly sessions: SessionService,
    private readonly events: EventBus,
  ) {}

  /**
   * Bans the user (once), ends all their sessions and makes the links and codes under way worthless; an unban does not bring those back.
   * @throws AuthFortError `user_not_found`
   */
  async ban(userId: string): Promise<void> {
    await this.database.transaction(async () => {
      const user = await this.users.lockById(userId);
      if (!user || user.deletedAt) throw authError('user_not_found');
      if (user.banned) return;
      await this.users.setBanned(userId, true);
      await this.pending.discard(user);
      await this.sessions.revokeAll(userId, 'banned');
      await this.events.emit('user_banned', { userId });
    });
  }

  /** @throws AuthFortError `user_not_found` */
  async unban(userId: string): Promise<void> {
    await this.database.transaction(async () => {
      const user = await this.users.lockById(userId);
      if (!user || user.deletedAt) throw authError('user_not_found');
      if (!user.banned) return;
      await this.users.setBanned(userId, false);
      await this.events.emit('user_unbanned', { userId });
    });
  }
}
