import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { type User, USER_COLUMNS } from './user.js';

/** Which users are meant. What is left out does not narrow. */
export interface UserFilter {
  /** Beginning of the e-mail address, in the form it is stored in. */
  readonly emailPrefix?: string | undefined;
  readonly role?: string | undefined;
  readonly banned?: boolean | undefined;
  readonly emailVerified?: boolean | undefined;
  /** Anonymised accounts instead of those that live. Default false. */
  readonly deleted?: boolean | undefined;
}

/** In which order: by the moment of their creation, or by address. */
export type UserSort = 'created_at' | 'email';

/** Behind which user a page begins. */
export interface UserPosition {
  readonly id: string;
  /** ISO 8601, or the address. */
  readonly key: string;
}

/** One page of users. */
export interface UserPageRequest {
  readonly sort: UserSort;
  readonly descending: boolean;
  readonly limit: number;
  readonly after?: UserPosition | undefined;
}

/** Reads many users at once. Each order is that of an index, and a page begins where the one before ended, however far that is. */
@Injectable()
export class UserDirectoryRepository {
  constructor(private readonly database: Database) {}

  /** Up to `limit` users, and behind each the microsecond of its creation, which a Date does not hold. */
  page(filter: UserFilter, request: UserPageRequest): Promise<(User & { sortKey: string })[]> {
    const { where, values } = conditions(filter);
    const { sort, descending, limit, after } = request;
    const [direction, beyond] = descending ? ['DESC', '<'] : ['ASC', '>'];
    if (after && sort === 'email') where.push(`u.email ${beyond} $${values.push(after.key)}`);
    if (after && sort === 'created_at') {
      const [key, id] = [values.push(after.key), values.push(after.id)];
      where.push(`(u.created_at, u.id) ${beyond} ($${key}::timestamptz, $${id}::uuid)`);
    }
    const order = sort === 'email' ? `u.email ${direction}` : `u.created_at ${direction}, u.id ${direction}`;
    const sortKey = sort === 'email' ? 'u.email' : `to_jsonb(u.created_at)#>>'{}'`;
    return this.database.query(
      `SELECT ${USER_COLUMNS}, ${sortKey} AS "sortKey" FROM authfort_users u
       WHERE ${where.join(' AND ')} ORDER BY ${order} LIMIT $${values.push(limit)}`,
      values,
    );
  }

  async count(filter: UserFilter): Promise<number> {
    const { where, values } = conditions(filter);
    const [row] = await this.database.query<{ count: string }>(
      `SELECT count(*) FROM authfort_users u WHERE ${where.join(' AND ')}`,
      values,
    );
    return Number(row!.count);
  }
}

function conditions(filter: UserFilter): { where: string[]; values: unknown[] } {
  const values: unknown[] = [];
  const where = [`u.deleted_at IS ${filter.deleted ? 'NOT NULL' : 'NULL'}`];
  if (filter.emailPrefix) {
    // The index is in the order of code points: all that begins so stands before the prefix and the last of them.
    const [from, to] = [values.push(filter.emailPrefix), values.push(`${filter.emailPrefix}\u{10ffff}`)];
    where.push(`u.email >= $${from} AND u.email < $${to}`);
  }
  if (filter.role !== undefined)
    where.push(
      `EXISTS (SELECT 1 FROM authfort_user_roles r WHERE r.user_id = u.id AND r.role = $${values.push(filter.role)})`,
    );
  if (filter.banned !== undefined) where.push(`u.banned = $${values.push(filter.banned)}`);
  if (filter.emailVerified !== undefined)
    where.push(`u.email_verified = $${values.push(filter.emailVerified)}`);
  return { where, values };
}
