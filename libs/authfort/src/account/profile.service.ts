import { Injectable } from '@nestjs/common';
import { accessError } from 'authfort-service';
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
   * @param since the account when the request was let in: if its access was taken away meanwhile, nothing is changed
   * @returns the user as they are now
   * @throws AuthFortError `token_version_mismatch`, `invalid_name`, `invalid_phone`, `invalid_avatar_url`, `user_not_found`
   */
  async update(userId: string, changes: ProfileChanges, since?: { tokenVersion: number }): Promise<User> {
    const normalized: ProfileChanges = {
      ...(changes.name !== undefined && { name: normalizeName(changes.name) }),
      ...(changes.avatarUrl !== undefined && { avatarUrl: normalizeAvatarUrl(changes.avatarUrl) }),
      ...(changes.phone !== undefined && { phone: normalizePhone(changes.phone) }),
    };
    return this.database.transaction(async () => {
      const before = await this.users.lockById(userId);
      if (!before || before.deletedAt) throw authError('user_not_found');
      const version = since?.tokenVersion ?? before.tokenVersion;
      if (before.tokenVersion !== version) throw accessError('token_version_mismatch');
      const fields = (Object.keys(normalized) as (keyof ProfileChanges)[]).filter(
        (field) => normalized[field] !== before[field],
      );
      if (fields.length === 0) return before;
      const user = (await this.users.updateProfile(userId, normalized))!;
      await this.events.emit('user_updated', { userId, fields });
      return user;
    });
  }
}
