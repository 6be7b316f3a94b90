import { Injectable } from '@nestjs/common';
import { isUuid } from '../database/uuid.js';
import { authError } from '../errors/catalog.js';
import { normalizeEmail } from './user-fields.js';
import type { User } from './user.js';
import { UserRepository } from './user.repository.js';

/** Looks accounts up. */
@Injectable()
export class UserService {
  constructor(private readonly users: UserRepository) {}

  /** @throws AuthFortError `user_not_found` */
  async get(userId: string): Promise<User> {
    const user = isUuid(userId) ? await this.users.findById(userId) : undefined;
    if (!user) throw authError('user_not_found');
    return user;
  }

  /** @throws AuthFortError `invalid_email`, `user_not_found` */
  async getByEmail(email: string): Promise<User> {
    const user = await this.users.findByEmail(normalizeEmail(email));
    if (!user) throw authError('user_not_found');
    return user;
  }
}
