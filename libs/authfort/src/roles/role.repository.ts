import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

/** Roles of users. */
@Injectable()
export class RoleRepository {
  constructor(private readonly database: Database) {}

  /** @returns false when the user has the role already. */
  async grant(userId: string, role: string, now: Date): Promise<boolean> {
    const rows = await this.database.query(
      'INSERT INTO authfort_user_roles (user_id, role, granted_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING role',
      [userId, role, now],
    );
    return rows.length > 0;
  }

  /** @returns false when the user does not have the role. */
  async withdraw(userId: string, role: string): Promise<boolean> {
    const rows = await this.database.query(
      'DELETE FROM authfort_user_roles WHERE user_id = $1 AND role = $2 RETURNING role',
      [userId, role],
    );
    return rows.length > 0;
  }

  async rolesOf(userId: string): Promise<string[]> {
    const rows = await this.database.query<{ role: string }>(
      'SELECT role FROM authfort_user_roles WHERE user_id = $1 ORDER BY role',
      [userId],
    );
    return rows.map(({ role }) => role);
  }
}
