import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { normalizeAvatarUrl, normalizeName, normalizePhone } from '../users/user-fields.js';
import { UserRepository } from '../users/user.repository.js';
import type { ProfileChanges, User } from '../users/user.js';

/** Changes what users say about themselves. */
@Injectable()
export class ProfileService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly events: EventBus,
  ) {}

  /**
   * Sets what is given; null or blank takes a field away.
   * @returns the user as they are now
   * @throws AuthFortError `invalid_name`, `invalid_phone`, `invalid_avatar_url`, `user_not_found`
   */
  async update(userId: string, changes: ProfileChanges): Promise<User> {
    const normalized: ProfileChanges = {
      ...(changes.name !== undefined && { name: normalizeName(changes.name) }),
      ...(changes.avatarUrl !== undefined && { avatarUrl: normalizeAvatarUrl(changes.avatarUrl) }),
      ...(changes.phone !== undefined && { phone: normalizePhone(changes.phone) }),
    };
    const fields = Object.keys(normalized);
    return this.database.transaction(async () => {
      const user = await this.users.updateProfile(userId, normalized);
      if (!user) throw authError('user_not_found');
      if (fields.length > 0) await this.events.emit('user_updated', { userId, fields });
      return user;
    });
  }
}
