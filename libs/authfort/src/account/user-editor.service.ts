import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { EmailChangeService } from '../email-change/email-change.service.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { normalizeEmail } from '../users/user-fields.js';
import { UserRepository } from '../users/user.repository.js';
import type { ProfileChanges, User } from '../users/user.js';
import { ProfileService } from './profile.service.js';

/** What of an account can be set by an administrator or by code. What is left out stays. */
export interface UserChanges extends ProfileChanges {
  /** Takes effect immediately, without a confirmation. A mail informs the old address. */
  readonly email?: string;
  /** A new address counts as not confirmed unless this says otherwise. */
  readonly emailVerified?: boolean;
}

/** Changes accounts of others. */
@Injectable()
export class UserEditorService {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly profiles: ProfileService,
    private readonly emails: EmailChangeService,
    private readonly events: EventBus,
  ) {}

  /**
   * All or nothing of it.
   * @returns the user as they are now
   * @throws AuthFortError `user_not_found`, `user_exists`, `invalid_email`, `invalid_name`, `invalid_phone`, `invalid_avatar_url`
   */
  async update(userId: string, { email, emailVerified, ...profile }: UserChanges): Promise<User> {
    const address = email === undefined ? undefined : normalizeEmail(email);
    return this.database.transaction(async () => {
      const user = await this.users.lockById(userId);
      if (!user || user.deletedAt) throw authError('user_not_found');
      if (address !== undefined && address !== user.email)
        await this.emails.apply(user, address, emailVerified ?? false);
      else if (emailVerified !== undefined && emailVerified !== user.emailVerified)
        await this.noteVerified(user, emailVerified);
      return this.profiles.update(userId, profile);
    });
  }

  private async noteVerified({ id: userId, email }: User, verified: boolean): Promise<void> {
    await this.users.setEmailVerified(userId, verified);
    if (verified) await this.events.emit('email_verified', { userId, email });
    else await this.events.emit('user_updated', { userId, fields: ['emailVerified'] });
  }
}
