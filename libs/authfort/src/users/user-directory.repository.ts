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
  /** How many users the filter matches in all. */
  readonly total: number;
}

/**
 * Up to here the matches of a search are gathered and sorted for a page by creation. The other way, to walk through all users in
 * their order until the page is full, is short when many match, and long when a few match that stand together.
 */
const FEW = 5_000;

const CREATED_AT_KEY = `to_jsonb(u.created_at)#>>'{}'`;

/** The tables, conditions and values that a filter comes to. */
interface Selection {
  readonly from: string;
  /** The columns whose index has these users in the order of their creation. */
  readonly createdAt: readonly [moment: string, id: string];
  readonly where: string[];
  readonly values: unknown[];
}

/** Reads many users at once. Each order is that of an index, and a page begins where the one before ended, however far that is. */
@Injectable()
export class UserDirectoryRepository {
  constructor(private readonly database: Database) {}

  /** Up to `limit` users, and behind each the microsecond of its creation, which a Date does not hold. */
  page(filter: UserFilter, request: UserPageRequest): Promise<(User & { sortKey: string })[]> {
    const selection = select(filter);
    const { from, where, values } = selection;
    if (isGathered(filter, request)) {
      const { beyond, order } = placeOf(request, ['f.created_at', 'f.id'], values);
      return this.database.query(
        `WITH found AS MATERIALIZED (SELECT u.id, u.created_at FROM ${from} WHERE ${where.join(' AND ')})
         SELECT ${USER_COLUMNS}, ${CREATED_AT_KEY} AS "sortKey"
         FROM (SELECT * FROM found f WHERE ${beyond} ORDER BY ${order} LIMIT $${values.push(request.limit)}) f
         JOIN authfort_users u ON u.id = f.id ORDER BY ${order}`,
        values,
      );
    }
    const sortKey = request.sort === 'email' ? 'u.email' : CREATED_AT_KEY;
    const { beyond, order } = placeOf(request, selection.createdAt, values);
    return this.database.query(
      `SELECT ${USER_COLUMNS}, ${sortKey} AS "sortKey" FROM ${from}
       WHERE ${where.join(' AND ')} AND ${beyond} ORDER BY ${order} LIMIT $${values.push(request.limit)}`,
      values,
    );
  }

  async count(filter: UserFilter): Promise<number> {
    const { from, where, values } = isRoleOnly(filter)
      ? { from: 'authfort_user_roles h', where: ['h.role = $1'], values: [filter.role] }
      : select(filter);
    const [row] = await this.database.query<{ count: string }>(
      `SELECT count(*) FROM ${from} WHERE ${where.join(' AND ')}`,
      values,
    );
    return Number(row!.count);
  }
}

/** Not with a role: to walk through those who have it is never long. */
function isGathered(filter: UserFilter, { sort, total }: UserPageRequest): boolean {
  return sort === 'created_at' && Boolean(filter.emailPrefix) && filter.role === undefined && total <= FEW;
}

/** The condition for what stands behind the page before, and the order. */
function placeOf(
  { sort, descending, after }: UserPageRequest,
  [moment, id]: Selection['createdAt'],
  values: unknown[],
): { beyond: string; order: string } {
  const [direction, than] = descending ? ['DESC', '<'] : ['ASC', '>'];
  const order = sort === 'email' ? `u.email ${direction}` : `${moment} ${direction}, ${id} ${direction}`;
  if (!after) return { beyond: 'true', order };
  const key = values.push(after.key);
  if (sort === 'email') return { beyond: `u.email ${than} $${key}`, order };
  return {
    beyond: `(${moment}, ${id}) ${than} ($${key}::timestamptz, $${values.push(after.id)}::uuid)`,
    order,
  };
}

/** Whether a filter names a role and nothing else. Who is deleted loses the roles with it, so they can be counted without the users. */
function isRoleOnly({ emailPrefix, role, banned, emailVerified, deleted }: UserFilter): boolean {
  return (
    role !== undefined && !emailPrefix && banned === undefined && emailVerified === undefined && !deleted
  );
}

function select(filter: UserFilter): Selection {
  const values: unknown[] = [];
  // Flags stand in the text, where the planner sees which partial index fits.
  const where = [`u.deleted_at IS ${filter.deleted ? 'NOT NULL' : 'NULL'}`];
  if (filter.banned !== undefined) where.push(filter.banned ? 'u.banned' : 'NOT u.banned');
  if (filter.emailVerified !== undefined)
    where.push(filter.emailVerified ? 'u.email_verified' : 'NOT u.email_verified');
  if (filter.emailPrefix) {
    // The index is in the order of code points: all that begins so stands before the prefix and the last of them.
    const [from, to] = [values.push(filter.emailPrefix), values.push(`${filter.emailPrefix}\u{10ffff}`)];
    where.push(`u.email >= $${from} AND u.email < $${to}`);
  }
  if (filter.role === undefined)
    return { from: 'authfort_users u', createdAt: ['u.created_at', 'u.id'], where, values };
  // The users of one role are in order in the index of the roles, so that no page looks through the users of others.
  where.push(`h.role = $${values.push(filter.role)}`);
  return {
    from: 'authfort_user_roles h JOIN authfort_users u ON u.id = h.user_id',
    createdAt: ['h.user_created_at', 'h.user_id'],
    where,
    values,
  };
}
