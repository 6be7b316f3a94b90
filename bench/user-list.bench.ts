import { randomBytes } from 'node:crypto';
import { USER_COLUMNS } from '../libs/authfort/src/users/user.js';
import { type BenchServer, startAuthServer } from './auth-server.js';
import { type BenchOptions, progress, withDatabase } from './bench-database.js';
import { explain, type Plan, statementsOf } from './explain.js';
import { measure, quietest, type Timing } from './measure.js';
import { writeChart, writeResults } from './report.js';
import { seedUsers, USERS } from './seed-users.js';
import { LIST_CASES, type ListCase, type ListQuery, NEEDLE } from './user-list.cases.js';
import { plansTable, type Result, timesTable } from './user-list.tables.js';

const NAME = 'user-list';
const LIMIT_MS = 20;
const PAGE_SIZE = 50;
/** Of accounts that are changed before the last case: too few for autovacuum to come. */
const CHANGED = 1_000;

/** What can be measured: the service's method, the route, and of the statements their plans. */
interface Subject {
  readonly name: string;
  readonly direct: () => Promise<unknown>;
  readonly path: string;
  /** Whether the limit holds for it. */
  readonly judged: boolean;
}

/** The list of users, of 100 000 in PostgreSQL. @returns whether each median is within 20 ms, and no page reads the table */
export function run({ databaseUrl, rounds }: BenchOptions): Promise<boolean> {
  return withDatabase(databaseUrl, async (url) => {
    const server = await startAuthServer(url);
    try {
      progress(`Making ${USERS} users …`);
      await seedUsers(server.dataSource);
      const { id, token } = await signInAdmin(server);
      const subjects = [yardstick(server, id)];
      for (const listCase of LIST_CASES) subjects.push(await subjectOf(server, listCase));
      const results = await measureAll(server, subjects, token, rounds);
      await changeSome(server);
      const { name, ...all } = subjects[1]!;
      const changed = [{ ...all, name: `${name}, just after ${CHANGED} changes`, judged: false }];
      results.push(...(await measureAll(server, changed, token, 1)));
      return await report(server, results, rounds);
    } finally {
      await server.close();
    }
  });
}

async function signInAdmin({ authfort }: BenchServer): Promise<{ id: string; token: string }> {
  const password = randomBytes(12).toString('base64url');
  const { id } = await authfort.createUser({ email: NEEDLE, password, roles: ['admin'] });
  const result = await authfort.login(NEEDLE, password);
  if (!('tokens' in result)) throw new Error('the administrator has to give a second factor');
  return { id, token: result.tokens.accessToken };
}

/** One user by the primary key, with the columns of the list. */
function yardstick({ dataSource }: BenchServer, id: string): Subject {
  const sql = `SELECT ${USER_COLUMNS} FROM authfort_users u WHERE u.id = $1`;
  return {
    name: 'yardstick: one user by id',
    direct: () => dataSource.query(sql, [id]),
    path: `/auth/admin/users/${id}`,
    judged: true,
  };
}

/** Goes to the page as a reader does, cursor by cursor. */
async function subjectOf({ authfort }: BenchServer, { name, query, page, wide }: ListCase): Promise<Subject> {
  if (page > 1) progress(`Going to page ${page} of "${name}" …`);
  let cursor: string | undefined;
  const rowsBefore = (page - 1) * PAGE_SIZE;
  const limit = largestDivisor(rowsBefore, 100);
  for (let seen = 0; seen < rowsBefore; seen += limit) {
    const { nextCursor } = await authfort.listUsers({ ...query, limit, cursor });
    if (nextCursor === null) throw new Error(`"${name}" ends behind user ${seen + limit}`);
    cursor = nextCursor;
  }
  return {
    name,
    direct: () => authfort.listUsers({ ...query, limit: PAGE_SIZE, cursor }),
    path: pathOf(query, cursor),
    judged: !wide,
  };
}

/** So that the steps to a page, of at most `max` users, end exactly before it. */
function largestDivisor(of: number, max: number): number {
  let divisor = max;
  while (of % divisor !== 0) divisor -= 1;
  return divisor;
}

function pathOf(query: ListQuery, cursor: string | undefined): string {
  const params = new URLSearchParams({ limit: String(PAGE_SIZE) });
  for (const [key, value] of Object.entries({ ...query, cursor }))
    if (value !== undefined) params.set(key, String(value));
  return `/auth/admin/users?${params.toString()}`;
}

/** All cases in each round, so that what else the machine does hits them alike. */
async function measureAll(
  server: BenchServer,
  subjects: readonly Subject[],
  token: string,
  rounds: number,
): Promise<Result[]> {
  const direct = subjects.map((): Timing[] => []);
  const http = subjects.map((): Timing[] => []);
  for (let round = 1; round <= rounds; round += 1) {
    progress(`Measuring, round ${round} of ${rounds} …`);
    for (const [n, subject] of subjects.entries()) {
      direct[n]!.push(await measure(subject.direct));
      http[n]!.push(await measure(() => get(server.url + subject.path, token)));
    }
  }
  const results: Result[] = [];
  for (const [n, { name, judged, direct: call }] of subjects.entries()) {
    const answer = (await call()) as { total?: number };
    const [count, page] = await plansOf(server, call);
    const timings = { direct: quietest(direct[n]!), http: quietest(http[n]!) };
    results.push({ name, judged, total: answer.total ?? null, ...timings, page, count });
  }
  return results;
}

async function get(url: string, token: string): Promise<void> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${text}`);
}

/** Of the total's statement and of the page's: as they were sent, explained. None for the yardstick. */
async function plansOf(
  server: BenchServer,
  call: () => Promise<unknown>,
): Promise<[Plan | null, Plan | null]> {
  const statements = await statementsOf(server.dataSource, call);
  const plans: Plan[] = [];
  for (const statement of statements) plans.push(await explain(server.dataSource, statement));
  return plans.length === 2 ? [plans[0]!, plans[1]!] : [null, null];
}

/** Vacuum has not been at their pages since, so the totals have to look at the table for all that stands there. */
async function changeSome({ dataSource }: BenchServer): Promise<void> {
  await dataSource.query(
    `UPDATE authfort_users SET token_version = token_version + 1
     WHERE id IN (SELECT id FROM authfort_users ORDER BY random() LIMIT ${CHANGED})`,
  );
}

async function report(
  { dataSource }: BenchServer,
  results: readonly Result[],
  rounds: number,
): Promise<boolean> {
  const [{ version }] = await dataSource.query<[{ version: string }]>(
    `SELECT current_setting('server_version') AS version`,
  );
  console.log(timesTable(results));
  console.log(`\n${plansTable(results.filter(({ count }) => count))}`);
  writeResults(NAME, {
    postgres: version,
    users: USERS,
    pageSize: PAGE_SIZE,
    rounds,
    limitMs: LIMIT_MS,
    results,
  });
  writeChart(
    NAME,
    `GET /auth/admin/users, ${USERS.toLocaleString('en')} users: median in ms`,
    results.map(({ name, http }) => ({ name, value: http.p50 })),
    LIMIT_MS,
  );
  const slow = results.filter(
    ({ judged, direct, http }) => judged && Math.max(direct.p50, http.p50) > LIMIT_MS,
  );
  const scans = results.filter(({ page }) => page?.seqScans.includes('authfort_users'));
  for (const { name } of slow) console.error(`Over ${LIMIT_MS} ms: ${name}`);
  for (const { name, page } of scans) console.error(`The page reads the table: ${name}\n${page?.text}`);
  return slow.length === 0 && scans.length === 0;
}
