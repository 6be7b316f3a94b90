import { Injectable } from '@nestjs/common';
import { accessError, Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { UserRepository } from '../users/user.repository.js';
import { PersonalDataEraser } from './personal-data-eraser.service.js';

/** Deletes accounts. Whichever way, nothing personal is left in any table, and the address is free again. */
@Injectable()
export class AccountDeletionService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly eraser: PersonalDataEraser,
    private readonly events: EventBus,
    private readonly clock: Clock,
  ) {}

  /**
   * @param hard delete the row too; otherwise it stays, without anything personal, so that what refers to its id does not break
   * @param since the account when the request was let in: if its access was taken away meanwhile, it is not theirs to delete
   * @throws AuthFortError `token_version_mismatch`; `user_not_found`, also for an account that was anonymised before, unless `hard`
   */
  async delete(userId: string, hard = false, since?: { tokenVersion: number }): Promise<void> {
    await this.database.transaction(async () => {
      const user = await this.users.lockById(userId);
      if (!user || (user.deletedAt && !hard)) throw authError('user_not_found');
      if (since && since.tokenVersion !== user.tokenVersion) throw accessError('token_version_mismatch');
      const now = this.clock.now();
      await this.eraser.erase(user.id, user.email, now, hard);
      await (hard ? this.users.remove(userId) : this.users.anonymise(userId, now));
      await this.events.emit('user_deleted', { userId, hard });
    });
  }
}
