import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

/** A role: it exists as long as somebody holds it or it grants something. */
export interface RoleOverview {
  readonly role: string;
  /** Sorted. */
  readonly permissions: readonly string[];
  /** How many users hold it, deleted ones aside. */
  readonly users: number;
}

// The order of bytes, so that it is the same on every database.
const OVERVIEW = `
  SELECT role, COALESCE(granting.permissions, '{}') AS permissions, COALESCE(held.users, 0) AS users
  FROM (
    SELECT r.role, count(*)::int AS users FROM authfort_user_roles r
    JOIN authfort_users u ON u.id = r.user_id AND u.deleted_at IS NULL
    WHERE $1::text IS NULL OR r.role = $1 GROUP BY r.role
  ) AS held
  FULL JOIN (
    SELECT p.role, array_agg(p.permission ORDER BY p.permission COLLATE "C") AS permissions FROM authfort_role_permissions p
    WHERE $1::text IS NULL OR p.role = $1 GROUP BY p.role
  ) AS granting USING (role)
  ORDER BY role COLLATE "C"`;

/** What roles permit. */
@Injectable()
export class PermissionRepository {
  constructor(private readonly database: Database) {}

  /** Lets the role grant the permission, unless it grants `most` others: racers for the last place wait for one another. */
  grant(role: string, permission: string, most: number, now: Date): Promise<'granted' | 'held' | 'full'> {
    return this.database.transaction(async () => {
      // A statement of its own: the next one then sees what the racer before has committed.
      await this.database.query(`SELECT pg_advisory_xact_lock(hashtextextended('authfort role ' || $1, 0))`, [
        role,
      ]);
      const [row] = await this.database.query<{ outcome: 'granted' | 'held' | 'full' }>(
        `WITH before AS (
           SELECT count(*) AS permissions, COALESCE(bool_or(permission = $2), false) AS held
           FROM authfort_role_permissions WHERE role = $1
         ), granted AS (
           INSERT INTO authfort_role_permissions (role, permission, granted_at)
           SELECT $1, $2, $3 FROM before WHERE NOT held AND permissions < $4
         )
         SELECT CASE WHEN held THEN 'held' WHEN permissions < $4 THEN 'granted' ELSE 'full' END AS outcome FROM before`,
        [role, permission, now, most],
      );
      return row!.outcome;
    });
  }

  /** @returns false when the role does not grant the permission. */
  async withdraw(role: string, permission: string): Promise<boolean> {
    const rows = await this.database.query(
      'DELETE FROM authfort_role_permissions WHERE role = $1 AND permission = $2 RETURNING role',
      [role, permission],
    );
    return rows.length > 0;
  }

  /** All roles, by name. */
  list(): Promise<RoleOverview[]> {
    return this.database.query<RoleOverview>(OVERVIEW, [null]);
  }

  async find(role: string): Promise<RoleOverview | undefined> {
    const [found] = await this.database.query<RoleOverview>(OVERVIEW, [role]);
    return found;
  }
}
