import { type EventEmitter } from 'node:events';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Pool, PoolClient } from 'pg';
import { OutboxWorker } from '../../src/events/outbox.worker.js';
import { type Answer, PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

let server: TestServer;
let user: SignedUp;
/** What was sent together, without an answer in between. */
let trips: string[][] = [];
let answered = true;

beforeAll(async () => {
  server = await startServer({ options: { rateLimit: {} } });
  user = await server.signUp();
  // Rests: what it does comes after the answer.
  server.app.get(OutboxWorker).wake = () => undefined;
  server.dataSource.logger.logQuery = (sql: string) => {
    // The key ring reads the keys by the clock, at any time.
    if (/^\s*SELECT[^]*FROM authfort_signing_keys/.test(sql)) return;
    if (answered) trips.push([]);
    trips.at(-1)!.push(sql.trim().split(/\s+/).slice(0, 3).join(' '));
    answered = false;
  };
  watchAnswers((server.dataSource.driver as unknown as { master: Pool }).master);
});
afterAll(() => server.close());

/** ReadyForQuery ends the answer to a statement. */
function watchAnswers(pool: Pool): void {
  const seen = new WeakSet<PoolClient>();
  pool.on('acquire', (client) => {
    if (seen.has(client)) return;
    seen.add(client);
    (client as unknown as { connection: EventEmitter }).connection.on(
      'readyForQuery',
      () => (answered = true),
    );
  });
}

/** The beginnings of what a request sends to the database, by round trip. */
async function sentBy(request: () => Promise<Answer>, status = 200): Promise<string[][]> {
  trips = [];
  const { status: actual, text } = await request();
  expect(`${actual} ${text}`).toMatch(new RegExp(`^${status} `));
  return trips;
}

const refresh = (token: string) => server.post('/auth/refresh', { refresh_token: token });
const login = (email: string, password: string) => server.post('/auth/login', { email, password });

it('serves the keys without the database', async () => {
  expect(await sentBy(() => server.request('/.well-known/jwks.json'))).toEqual([]);
});

it('looks a user and their session up at once', async () => {
  const found = [['SELECT json_agg(( SELECT']];
  expect(await sentBy(() => server.request('/auth/me', { bearer: user.accessToken }))).toEqual(found);
  expect(await sentBy(() => server.introspect(user.accessToken))).toEqual(found);
});

it('rotates a refresh token in one statement, also when it is asked again; the first repeat is audited', async () => {
  const rotated = ['WITH token AS'];
  expect(await sentBy(() => refresh(user.refreshToken))).toEqual([rotated]);
  expect(await sentBy(() => refresh(user.refreshToken))).toEqual([
    rotated,
    ['BEGIN ISOLATION LEVEL'],
    ['UPDATE authfort_refresh_tokens SET'],
    ['WITH event AS', 'COMMIT'],
  ]);
  expect(await sentBy(() => refresh(user.refreshToken))).toEqual([rotated]);
});

it('signs in with one round trip before the password is compared, and two behind it', async () => {
  const attempt = ['WITH counted AS'];
  expect(await sentBy(() => login(user.email, PASSWORD))).toEqual([
    attempt,
    // The user, kept as they are.
    ['BEGIN ISOLATION LEVEL', 'SELECT u.id, u.email,'],
    // The session and its token; the network is known from now on; the event.
    ['WITH session AS', 'WITH not_wrong AS', 'WITH event AS', 'COMMIT'],
  ]);
  const refused = [attempt, ['WITH event AS']];
  expect(await sentBy(() => login(user.email, 'not the password'), 401)).toEqual(refused);
  expect(await sentBy(() => login('nobody@example.com', PASSWORD), 401)).toEqual(refused);
});
