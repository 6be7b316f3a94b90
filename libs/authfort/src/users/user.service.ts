import { Injectable } from '@nestjs/common';
import { authError } from '../errors/catalog.js';
import { normalizeEmail } from './user-fields.js';
import type { User } from './user.js';
import { UserRepository } from './user.repository.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Looks accounts up. */
@Injectable()
export class UserService {
  constructor(private readonly users: UserRepository) {}

  /** @throws AuthFortError `user_not_found` */
  async get(userId: string): Promise<User> {
    const user = UUID.test(userId) ? await this.users.findById(userId) : undefined;
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
