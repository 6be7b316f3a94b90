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
  /** How many users the filter matches. */
  readonly count: UserCount;
}

/** How many users a filter matches. */
export interface UserCount {
  readonly total: number;
  /** Those that a search finds by their address; the rest is found by the name only. */
  readonly byAddress: number;
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
const OF_PAGE: OrderColumns = { createdAt: 'p."createdAt"', id: 'p.id', email: 'p.email' };

/** The tables, conditions and values that a filter comes to. */
interface Selection {
  readonly from: string;
  /** Those whose index has these users in order. */
  readonly columns: OrderColumns;
  readonly where: string[];
}

/** Reads many users at once. Each order is that of an index, and a page begins where the one before ended, however far that is. */
@Injectable()
export class UserDirectoryRepository {
  constructor(private readonly database: Database) {}

  /** Up to `limit` users, and behind each the microsecond of its creation, which a Date does not hold. */
  page(filter: UserFilter, request: UserPageRequest): Promise<(User & { sortKey: string })[]> {
    const values: unknown[] = [];
    const statements = partsOf(filter).map((part) => pageOf(part, request, values));
    if (statements.length === 1) return this.database.query(statements[0]!, values);
    const { order } = placeOf({ ...request, after: undefined }, OF_PAGE, values);
    return this.database.query(
      `SELECT * FROM ((${statements.join(') UNION ALL (')})) p ORDER BY ${order} LIMIT $${values.push(request.limit)}`,
      values,
    );
  }

  async count(filter: UserFilter): Promise<UserCount> {
    const values: unknown[] = [];
    const [byAddress, byName = '0'] = partsOf(filter).map((part) => `(${countOf(part, values)})`);
    const [row] = await this.database.query<Record<'byAddress' | 'byName', string>>(
      `SELECT ${byAddress} AS "byAddress", ${byName} AS "byName"`,
      values,
    );
    const found = { byAddress: Number(row!.byAddress), byName: Number(row!.byName) };
    return { total: found.byAddress + found.byName, byAddress: found.byAddress };
  }
}

/**
 * A search by address or name has two parts without a common user: users with the address, and users with the name only. Each part is
 * read by its own index.
 */
function partsOf(filter: UserFilter): UserFilter[] {
  const { search } = filter;
  if (search?.nameQuery === undefined) return [filter];
  return [{ ...filter, search: { emailPrefix: search.emailPrefix } }, filter];
}

function pageOf(filter: UserFilter, request: UserPageRequest, values: unknown[]): string {
  const { from, where, columns } = select(filter, values);
  if (!isGathered(filter, request)) {
    const { beyond, order } = placeOf(request, columns, values);
    return `SELECT ${USER_COLUMNS}, ${sortKeyOf(request)} AS "sortKey" FROM ${from}
      WHERE ${where.join(' AND ')} AND ${beyond} ORDER BY ${order} LIMIT $${values.push(request.limit)}`;
  }
  const { beyond, order } = placeOf(request, GATHERED, values);
  return `WITH found AS MATERIALIZED (SELECT u.id, u.created_at, u.email FROM ${from} WHERE ${where.join(' AND ')})
    SELECT ${USER_COLUMNS}, ${sortKeyOf(request)} AS "sortKey"
    FROM (SELECT * FROM found f WHERE ${beyond} ORDER BY ${order} LIMIT $${values.push(request.limit)}) f
    JOIN authfort_users u ON u.id = f.id ORDER BY ${order}`;
}

function countOf(filter: UserFilter, values: unknown[]): string {
  if (isRoleOnly(filter))
    return `SELECT count(*) FROM authfort_user_roles h WHERE h.role = $${values.push(filter.role)}`;
  const { from, where } = select(filter, values);
  return `SELECT count(*) FROM ${from} WHERE ${where.join(' AND ')}`;
}

/**
 * A search by name is always gathered: the index of the words has no order, and walking through all users would parse each name. Other
 * searches with a role are never gathered, since walking through the users of one role is short.
 */
function isGathered({ search, role }: UserFilter, { sort, count }: UserPageRequest): boolean {
  if (search?.nameQuery !== undefined) return true;
  return sort === 'created_at' && search !== undefined && role === undefined && count.byAddress <= FEW;
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

function select(filter: UserFilter, values: unknown[]): Selection {
  // Flags stand in the text, where the planner sees which partial index fits.
  const where = [`u.deleted_at IS ${filter.deleted ? 'NOT NULL' : 'NULL'}`];
  if (filter.banned !== undefined) where.push(filter.banned ? 'u.banned' : 'NOT u.banned');
  if (filter.emailVerified !== undefined)
    where.push(filter.emailVerified ? 'u.email_verified' : 'NOT u.email_verified');
  if (filter.search) where.push(searchCondition(filter.search, values));
  if (filter.role === undefined) return { from: 'authfort_users u', columns: OF_USER, where };
  // The users of one role are in order in the index of the roles, so that no page looks through the users of others.
  where.push(`h.role = $${values.push(filter.role)}`);
  return {
    from: 'authfort_user_roles h JOIN authfort_users u ON u.id = h.user_id',
    columns: { createdAt: 'h.user_created_at', id: 'h.user_id', email: 'u.email' },
    where,
  };
}

/** With a name: those that are not found by the address already. */
function searchCondition({ emailPrefix, domainPrefix, nameQuery }: UserSearch, values: unknown[]): string {
  if (domainPrefix !== undefined) return beginsWith(`split_part(u.email, '@', 2)`, domainPrefix, values);
  const byAddress = beginsWith('u.email', emailPrefix ?? '', values);
  if (nameQuery === undefined) return byAddress;
  // The condition on null names makes the partial index applicable.
  return `u.name IS NOT NULL AND to_tsvector('pg_catalog.simple', u.name) @@ to_tsquery('pg_catalog.simple', $${values.push(nameQuery)})
    AND NOT (${byAddress})`;
}

/** The index is in the order of code points: all that begins so is between the prefix and the last text with it. */
function beginsWith(column: string, prefix: string, values: unknown[]): string {
  const [from, to] = [values.push(prefix), values.push(`${prefix}\u{10ffff}`)];
  return `${column} >= $${from} AND ${column} < $${to}`;
}
