/** What is asked of the list: members of the query string, and of `AuthFort.listUsers`. */
export interface ListQuery {
  readonly search?: string;
  readonly role?: string;
  readonly banned?: boolean;
  readonly deleted?: boolean;
  readonly sort?: 'created_at' | 'email';
}

/** One line of the table. */
export interface ListCase {
  readonly name: string;
  readonly query: ListQuery;
  /** Which page of 50 users is measured. */
  readonly page: number;
  /** Shown, but not held against the limit: two filters at once that both match tens of thousands. */
  readonly wide?: boolean;
}

const DEEP = 1000;

/** The user whose whole address is searched for. */
export const NEEDLE = 'needle.in.a.haystack@example.com';

const pages = (name: string, query: ListQuery, ...numbers: number[]): ListCase[] =>
  numbers.map((page) => ({ name: page === 1 ? name : `${name}, page ${page}`, query, page }));

export const LIST_CASES: readonly ListCase[] = [
  ...pages('all, newest first', {}, 1, DEEP),
  ...pages('all, by address', { sort: 'email' }, 1, DEEP),
  ...pages('search staff., newest first', { search: 'staff.' }, 1, DEEP),
  ...pages('search staff., by address', { search: 'staff.', sort: 'email' }, 1, DEEP),
  ...pages('search anna', { search: 'anna' }, 1),
  ...pages('search pilot., all of them old', { search: 'pilot.' }, 1),
  ...pages('search a whole address', { search: NEEDLE }, 1),
  ...pages('role admin', { role: 'admin' }, 1),
  ...pages('role editor', { role: 'editor' }, 1, 40),
  ...pages('role editor, by address', { role: 'editor', sort: 'email' }, 1, 40),
  ...pages('role member', { role: 'member' }, 1, DEEP),
  ...pages('role member, by address', { role: 'member', sort: 'email' }, 1, DEEP),
  ...pages('role pioneer, all of them old', { role: 'pioneer' }, 1),
  ...pages('role editor, search staff.', { role: 'editor', search: 'staff.' }, 1),
  { name: 'role member, search anna', query: { role: 'member', search: 'anna' }, page: 1, wide: true },
  { name: 'role member, search staff.', query: { role: 'member', search: 'staff.' }, page: 1, wide: true },
  ...pages('banned', { banned: true }, 1),
  ...pages('banned, by address', { banned: true, sort: 'email' }, 1),
  ...pages('not banned', { banned: false }, 1),
  ...pages('deleted', { deleted: true }, 1),
];
