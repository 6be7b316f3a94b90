import { Worker } from 'node:worker_threads';
import pg from 'pg';
import { AppProcess, killAll } from '../test/system/app-process.js';
import { logOut, request, signUp, type SignedIn } from '../test/system/client.js';
import { type BenchOptions, progress, withDatabase } from './bench-database.js';
import { OtherUsers, type Phase } from './many-sessions.load.js';
import { table, writeResults } from './report.js';

const NAME = 'many-sessions';
const SESSIONS = Number(process.env.SESSIONS ?? 20_000);
const LISTED = 1000;
const LIST_LOOPS = 20;
const IDLE_MS = 5000;
/** From the answer to a logout until both services refuse. */
const LOGOUT_LIMIT_MS = 1000;
/** `/auth/me` of other users during the lists, of idle. */
const LIST_LIMIT = 2;
const SECRET = 'introspection-secret-of-the-bench';

/**
 * One account has a great number of sessions. It ends all of them in one request while other users use two services, one with
 * `whenStale: 'allow'` and one with `'deny'`, and the auth server; another user logs out at the same moment. Then 20 loops request the
 * list of an account with 1 000 sessions. `SESSIONS` sets the number of sessions.
 */
export function run({ databaseUrl }: BenchOptions): Promise<boolean> {
  return withDatabase(databaseUrl, async (url) => {
    const database = new pg.Client({ connectionString: url });
    await database.connect();
    try {
      return await measure(url, database);
    } finally {
      await killAll();
      await database.end();
    }
  });
}

async function measure(databaseUrl: string, database: pg.Client): Promise<boolean> {
  const auth = await AppProcess.start('auth-server', {
    DATABASE_URL: databaseUrl,
    INTROSPECT_SECRET: SECRET,
    KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-bench',
    RATE_LIMIT: 'off',
  });
  const env = { JWKS_URL: `${auth.url}/.well-known/jwks.json`, INTROSPECT_SECRET: SECRET };
  const services = [
    await AppProcess.start('orders', { ...env, REVOCATIONS_WHEN_STALE: 'allow' }),
    await AppProcess.start('orders', { ...env, REVOCATIONS_WHEN_STALE: 'deny' }),
  ].map(({ url }) => url);
  const others = await OtherUsers.signUp(auth.url, services, 10);
  progress('idle');
  const idle = await others.during(() => new Promise((resolve) => setTimeout(resolve, IDLE_MS)));

  const owner = await signUp(auth.url);
  progress(`making ${SESSIONS} sessions`);
  await addSessions(database, owner, SESSIONS);
  const leaver = await signUp(auth.url);
  const times = { endAllMs: 0, ownerRefusedMs: 0, logoutMs: 0 };
  progress('ending all sessions');
  const ending = await others.during(async () => {
    const ended = endAll(auth.url, owner).then(async (took) => {
      times.endAllMs = took;
      times.ownerRefusedMs = await refusedAfter(services, owner.accessToken);
    });
    await logOut(auth.url, leaver.refreshToken);
    times.logoutMs = await refusedAfter(services, leaver.accessToken);
    await ended;
    await new Promise((resolve) => setTimeout(resolve, 2000));
  });
  const { rows } = await database.query<{ entries: string }>(
    'SELECT count(*) AS entries FROM authfort_revocations WHERE user_id = $1 OR session_id IN (SELECT id FROM authfort_sessions WHERE user_id = $1)',
    [owner.id],
  );

  const lister = await signUp(auth.url);
  await addSessions(database, lister, LISTED);
  progress(`${LIST_LOOPS} loops request a list of ${LISTED} sessions`);
  const listing = await others.during(() => list(auth.url, lister));
  return report({ idle, ending, listing }, { ...times, entries: Number(rows[0]!.entries) });
}

async function addSessions(database: pg.Client, { id }: SignedIn, count: number): Promise<void> {
  await database.query(
    `WITH made AS (
       INSERT INTO authfort_sessions (id, user_id, amr, created_at, expires_at)
       SELECT gen_random_uuid(), $1, '{pwd}', now() - interval '1 second', now() + interval '90 days' FROM generate_series(1, $2) RETURNING id
     )
     INSERT INTO authfort_refresh_tokens (token_hash, session_id, issued_at, expires_at)
     SELECT sha256(convert_to(id::text, 'UTF8')), id, now(), now() + interval '30 days' FROM made`,
    [id, count],
  );
  await database.query('ANALYZE authfort_sessions, authfort_refresh_tokens');
}

async function endAll(authUrl: string, { accessToken }: SignedIn): Promise<number> {
  const startedAt = performance.now();
  const { status, text } = await request(`${authUrl}/auth/sessions`, {
    method: 'DELETE',
    bearer: accessToken,
  });
  if (status !== 204) throw new Error(`DELETE /auth/sessions answered ${status} ${text}`);
  return performance.now() - startedAt;
}

/** Until every service refuses the token. */
async function refusedAfter(services: readonly string[], token: string): Promise<number> {
  const startedAt = performance.now();
  for (const url of services) {
    let status = 200;
    while (status !== 401 && performance.now() - startedAt < 30_000)
      ({ status } = await request(`${url}/api/orders`, { bearer: token }));
  }
  return performance.now() - startedAt;
}

/** In a separate thread, so that the loops do not delay the requests that are measured. */
function list(authUrl: string, { accessToken }: SignedIn): Promise<void> {
  const loops = `
    const { workerData: { url, authorization, loops, ms } } = require('node:worker_threads');
    const until = performance.now() + ms;
    for (let n = 0; n < loops; n += 1)
      (async () => {
        while (performance.now() < until) await (await fetch(url, { headers: { authorization } })).arrayBuffer();
      })();`;
  const workerData = {
    url: `${authUrl}/auth/sessions`,
    authorization: `Bearer ${accessToken}`,
    loops: LIST_LOOPS,
    ms: IDLE_MS,
  };
  return new Promise((resolve, reject) => {
    new Worker(loops, { eval: true, workerData }).once('error', reject).once('exit', () => resolve());
  });
}

function report(
  phases: Record<'idle' | 'ending' | 'listing', Phase>,
  facts: { endAllMs: number; ownerRefusedMs: number; logoutMs: number; entries: number },
): boolean {
  const { idle, ending, listing } = phases;
  const rows = Object.entries({
    idle,
    [`${SESSIONS} sessions end`]: ending,
    [`${LIST_LOOPS} loops request ${LISTED} sessions`]: listing,
  }).map(([name, { answers, refused, p50, p99 }]) => [name, String(answers), String(refused), p50, p99]);
  console.log(table(['other users', 'answers', 'refused', '/auth/me p50 ms', 'p99 ms'], rows));
  console.log(
    `\nDELETE /auth/sessions took ${facts.endAllMs.toFixed(0)} ms and wrote ${facts.entries} entries; both services refused its user after ${facts.ownerRefusedMs.toFixed(0)} ms more, and another user's logout after ${facts.logoutMs.toFixed(0)} ms`,
  );
  writeResults(NAME, { sessions: SESSIONS, limitMs: LOGOUT_LIMIT_MS, ...facts, phases });
  const slower = listing.p50 / idle.p50;
  console.log(`/auth/me during the lists: ${slower.toFixed(1)} times as long as idle`);
  const isKept = ending.refused === 0 && facts.logoutMs < LOGOUT_LIMIT_MS && facts.entries === 1;
  return isKept && listing.refused === 0 && slower <= LIST_LIMIT;
}
