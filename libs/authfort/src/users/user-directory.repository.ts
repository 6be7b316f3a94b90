import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { type User, USER_COLUMNS } from './user.js';
import type { UserSearch } from './user-search.js';

/** Which users are meant. What is left out does not narrow. */
export interface UserFilter {
  readonly search?: UserSearch | undefined;
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

/** The columns that a page is ordered by. */
interface OrderColumns {
  readonly createdAt: string;
  readonly id: string;
  readonly email: string;
}

const OF_USER: OrderColumns = { createdAt: 'u.created_at', id: 'u.id', email: 'u.email' };
const GATHERED: OrderColumns = { createdAt: 'f.created_at', id: 'f.id', email: 'f.email' };

/** The tables, conditions and values that a filter comes to. */
interface Selection {
  readonly from: string;
  /** Those whose index has these users in order. */
  readonly columns: OrderColumns;
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
      const { beyond, order } = placeOf(request, GATHERED, values);
      return this.database.query(
        `WITH found AS MATERIALIZED (SELECT u.id, u.created_at, u.email FROM ${from} WHERE ${where.join(' AND ')})
         SELECT ${USER_COLUMNS}, ${sortKeyOf(request)} AS "sortKey"
         FROM (SELECT * FROM found f WHERE ${beyond} ORDER BY ${order} LIMIT $${values.push(request.limit)}) f
         JOIN authfort_users u ON u.id = f.id ORDER BY ${order}`,
        values,
      );
    }
    const { beyond, order } = placeOf(request, selection.columns, values);
    return this.database.query(
      `SELECT ${USER_COLUMNS}, ${sortKeyOf(request)} AS "sortKey" FROM ${from}
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

/**
 * Always with a name: the index of the words has no order, and to walk through the users would parse the name of each. Otherwise not
 * with a role: to walk through those who have it is never long.
 */
function isGathered({ search, role }: UserFilter, { sort, total }: UserPageRequest): boolean {
  if (search?.nameQuery !== undefined) return true;
  return sort === 'created_at' && search !== undefined && role === undefined && total <= FEW;
}

function sortKeyOf({ sort }: UserPageRequest): string {
  return sort === 'email' ? 'u.email' : `to_jsonb(u.created_at)#>>'{}'`;
}

/** The condition for what stands behind the page before, and the order. */
function placeOf(
  { sort, descending, after }: UserPageRequest,
  { createdAt, id, email }: OrderColumns,
  values: unknown[],
): { beyond: string; order: string } {
  const [direction, than] = descending ? ['DESC', '<'] : ['ASC', '>'];
  const order = sort === 'email' ? `${email} ${direction}` : `${createdAt} ${direction}, ${id} ${direction}`;
  if (!after) return { beyond: 'true', order };
  const key = values.push(after.key);
  if (sort === 'email') return { beyond: `${email} ${than} $${key}`, order };
  return {
    beyond: `(${createdAt}, ${id}) ${than} ($${key}::timestamptz, $${values.push(after.id)}::uuid)`,
    order,
  };
}

/** Whether a filter names a role and nothing else. Who is deleted loses the roles with it, so they can be counted without the users. */
function isRoleOnly({ search, role, banned, emailVerified, deleted }: UserFilter): boolean {
  return (
    role !== undefined &&
    search === undefined &&
    banned === undefined &&
    emailVerified === undefined &&
    !deleted
  );
}

function select(filter: UserFilter): Selection {
  const values: unknown[] = [];
  // Flags stand in the text, where the planner sees which partial index fits.
  const where = [`u.deleted_at IS ${filter.deleted ? 'NOT NULL' : 'NULL'}`];
  if (filter.banned !== undefined) where.push(filter.banned ? 'u.banned' : 'NOT u.banned');
  if (filter.emailVerified !== undefined)
    where.push(filter.emailVerified ? 'u.email_verified' : 'NOT u.email_verified');
  if (filter.search) where.push(searchCondition(filter.search, values));
  if (filter.role === undefined) return { from: 'authfort_users u', columns: OF_USER, where, values };
  // The users of one role are in order in the index of the roles, so that no page looks through the users of others.
  where.push(`h.role = $${values.push(filter.role)}`);
  return {
    from: 'authfort_user_roles h JOIN authfort_users u ON u.id = h.user_id',
    columns: { createdAt: 'h.user_created_at', id: 'h.user_id', email: 'u.email' },
    where,
    values,
  };
}

/** Each side of the OR has an index, so that PostgreSQL reads both and joins them (BitmapOr). */
function searchCondition({ emailPrefix, domainPrefix, nameQuery }: UserSearch, values: unknown[]): string {
  const sides: string[] = [];
  if (emailPrefix !== undefined) sides.push(beginsWith('u.email', emailPrefix, values));
  if (domainPrefix !== undefined) sides.push(beginsWith(`split_part(u.email, '@', 2)`, domainPrefix, values));
  if (nameQuery !== undefined)
    sides.push(
      `u.name IS NOT NULL AND to_tsvector('pg_catalog.simple', u.name) @@ to_tsquery('pg_catalog.simple', $${values.push(nameQuery)})`,
    );
  return `(${sides.join(' OR ')})`;
}

/** The index is in the order of code points: all that begins so is between the prefix and the last text with it. */
function beginsWith(column: string, prefix: string, values: unknown[]): string {
  const [from, to] = [values.push(prefix), values.push(`${prefix}\u{10ffff}`)];
  return `${column} >= $${from} AND ${column} < $${to}`;
}
