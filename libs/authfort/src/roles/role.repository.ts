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

  async isHeld(role: string): Promise<boolean> {
    const rows = await this.database.query('SELECT 1 FROM authfort_user_roles WHERE role = $1 LIMIT 1', [
      role,
    ]);
    return rows.length > 0;
  }

  /**
   * Whether of the accounts that are neither banned nor deleted only this one has the role. Others who ask it of the role wait until
   * the transaction ends.
   */
  async isLastHolder(userId: string, role: string): Promise<boolean> {
    await this.database.query(
      `SELECT pg_advisory_xact_lock(hashtextextended('authfort last holder ' || $1, 0))`,
      [role],
    );
    const holders = await this.database.query<{ id: string }>(
      `SELECT u.id FROM authfort_user_roles r JOIN authfort_users u ON u.id = r.user_id
       WHERE r.role = $1 AND NOT u.banned AND u.deleted_at IS NULL LIMIT 2`,
      [role],
    );
    return holders.length === 1 && holders[0]!.id === userId;
  }

  async withdrawAll(userId: string): Promise<void> {
    await this.database.query('DELETE FROM authfort_user_roles WHERE user_id = $1', [userId]);
  }
}
