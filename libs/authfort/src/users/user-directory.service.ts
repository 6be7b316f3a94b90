import { Injectable } from '@nestjs/common';
import { isUuid } from '../database/uuid.js';
import { authError } from '../errors/catalog.js';
import type { User } from './user.js';
import { readSearch } from './user-search.js';
import {
  UserDirectoryRepository,
  type UserFilter,
  type UserPosition,
  type UserSort,
} from './user-directory.repository.js';

/** What {@link UserDirectoryService.list} is asked for. All but the cursor may change from page to page only at the reader's risk. */
export interface ListUsersQuery extends Omit<UserFilter, 'search'> {
  /**
   * `@shop.example`: the beginning of a domain. Otherwise the beginning of an e-mail address, or beginnings of words of the name in any
   * order. In any case; `%` and `_` mean themselves. At most 255 characters and 8 words count.
   */
  search?: string | undefined;
  /** Default `created_at`. */
  sort?: UserSort | undefined;
  /** Default `desc` by `created_at`, `asc` by `email`. */
  order?: 'asc' | 'desc' | undefined;
  /** Users a page, 1 to 100. Default 50. */
  limit?: number | undefined;
  /** `nextCursor` of the page before. */
  cursor?: string | undefined;
}

/** One page of users. */
export interface UserPage {
  readonly users: readonly User[];
  /** All that the filter matches at this moment, on every page. */
  readonly total: number;
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

/** Lists and counts accounts. */
@Injectable()
export class UserDirectoryService {
  constructor(private readonly directory: UserDirectoryRepository) {}

  /**
   * Pages stay stable while accounts come and go: each begins behind the last user of the one before, not at a number.
   * @throws AuthFortError `validation_error` for a cursor that is none, or of another sort
   */
  async list(query: ListUsersQuery = {}): Promise<UserPage> {
    const { sort = 'created_at', order = sort === 'email' ? 'asc' : 'desc' } = query;
    const limit = Math.min(Math.max(Math.trunc(query.limit ?? 50) || 50, 1), 100);
    const after = query.cursor === undefined ? undefined : readCursor(query.cursor, sort);
    const filter = filterOf(query);
    const count = await this.directory.count(filter);
    // One more than asked for tells whether there is a next page.
    const request = { sort, descending: order === 'desc', limit: limit + 1, after, count };
    const found = await this.directory.page(filter, request);
    const shown = found.slice(0, limit);
    const last = found.length > limit ? shown.at(-1) : undefined;
    return {
      users: shown.map(({ sortKey: _, ...user }) => user),
      total: count.total,
      nextCursor: last ? writeCursor(sort, { id: last.id, key: last.sortKey }) : null,
    };
  }

  async count(query: Omit<ListUsersQuery, 'sort' | 'order' | 'limit' | 'cursor'> = {}): Promise<number> {
    return (await this.directory.count(filterOf(query))).total;
  }
}

function filterOf({ search, role, banned, emailVerified, deleted }: ListUsersQuery): UserFilter {
  return { search: readSearch(search), role, banned, emailVerified, deleted };
}

function writeCursor(sort: UserSort, { id, key }: UserPosition): string {
  return Buffer.from(JSON.stringify([sort, key, id])).toString('base64url');
}

function readCursor(cursor: string, sort: UserSort): UserPosition {
  try {
    const [of, key, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (of === sort && typeof key === 'string' && typeof id === 'string' && isUuid(id) && isKey(key, sort))
      return { key, id };
  } catch {
    // Not one of ours.
  }
  throw authError('validation_error', {
    details: [{ field: 'cursor', message: 'is not the cursor of a page of this list' }],
  });
}

function isKey(key: string, sort: UserSort): boolean {
  return sort === 'email'
    ? key.length < 400 && key.isWellFormed() && !key.includes('\u0000')
    : /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d:\d\d$/.test(key) && isMoment(key);
}

/** PostgreSQL refuses years, days and offsets that JavaScript reads. */
function isMoment(key: string): boolean {
  const [year, month, day] = key.slice(0, 10).split('-').map(Number) as [number, number, number];
  const offsetHours = Number(key.slice(-5, -3));
  return (
    year > 0 &&
    day <= new Date(Date.UTC(year, month, 0)).getUTCDate() &&
    offsetHours < 15 &&
    !Number.isNaN(Date.parse(key))
  );
}
