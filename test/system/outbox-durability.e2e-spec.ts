import { randomBytes, randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, until } from './address.js';
import { AppProcess, killAll } from './app-process.js';
import { request } from './client.js';
import { createSystemDatabase, type SystemDatabase } from './database.js';
import { Load } from './durability-load.js';
import { OutboxReceiver } from './outbox-receiver.js';

/** `KILLS=100` for the long run. */
const KILLS = Number(process.env.KILLS ?? 2);
const WORKERS = 6;
/** Longer than a lease and the first two delays between attempts. */
const SKEW_PER_START = 130;
const SECRET = `whsec_${randomBytes(32).toString('base64')}`;

type State = Record<
  'users' | 'sessions' | 'loggedOut' | 'rotations' | 'audit' | 'waiting' | 'dead',
  string[]
>;

let database: SystemDatabase;
let receiver: OutboxReceiver;
let port: number;
let skew = 0;

beforeAll(async () => {
  database = await createSystemDatabase();
  receiver = await OutboxReceiver.start(SECRET);
  port = await freePort();
});
afterAll(async () => {
  await killAll();
  receiver?.close();
  await database?.close();
});

function startAuth(): Promise<AppProcess> {
  const env = { RECEIVER: receiver.url, WEBHOOK_SECRET: SECRET, CLOCK_SKEW_SECONDS: String(skew) };
  skew += SKEW_PER_START;
  return AppProcess.start('outbox-app', { ...database.env, ...env }, port);
}

/** Starts the server, lets users come and go, and kills it in the midst. @returns how many requests it had answered */
async function crash(): Promise<number> {
  const auth = await startAuth();
  const load = new Load(auth.url);
  const target = randomInt(1, 40);
  const work = load.run(WORKERS);
  await Promise.race([
    work,
    until('the load has come far enough', 60_000, () => load.acknowledged >= target || undefined),
  ]);
  load.expectTheEnd();
  // Not always just after an answer.
  await new Promise((resolve) => setTimeout(resolve, randomInt(0, 60)));
  await auth.kill();
  await work;
  return load.acknowledged;
}

async function stateOf(auth: AppProcess): Promise<State> {
  return (await request(`${auth.url}/state`)).body as State;
}

const sorted = (items: Iterable<string | undefined>): string[] => [...items].map(String).sort();
const received = (type: string) => [...receiver.events.values()].filter((event) => event.type === type);

// Long, and so only where the long suites run.
(process.env.DATABASE_URL ? describe : describe.skip)('kill -9 of a server whose events are durable', () => {
  let acknowledged = 0;
  let state: State;

  it(
    `${KILLS} times under load, while a tenth of the deliveries fails`,
    async () => {
      receiver.refusing = 0.1;
      for (let kill = 0; kill < KILLS; kill += 1) acknowledged += await crash();
      receiver.refusing = 0;
      // By then everything is due, whatever went wrong with it.
      skew += 172_800;
      const auth = await startAuth();
      state = await until('everything is delivered', 120_000, async () => {
        const now = await stateOf(auth);
        return now.waiting.length === 0 ? now : undefined;
      });
      await auth.stop();
    },
    30_000 * KILLS + 200_000,
  );

  it('loses no event, and tells of nothing that did not happen', () => {
    expect(sorted(received('user_created').map(({ data }) => data.user_id))).toEqual(sorted(state.users));
    expect(sorted(received('login').map(({ data }) => data.session_id))).toEqual(sorted(state.sessions));
    expect(sorted(received('logout').map(({ data }) => data.session_id))).toEqual(sorted(state.loggedOut));
    const refreshed = received('token_refreshed').filter(({ data }) => !data.repeated);
    expect(sorted(refreshed.map(({ data }) => data.session_id))).toEqual(sorted(state.rotations));
    expect(state.dead).toEqual([]);
    expect(state.users.length + state.sessions.length).toBeGreaterThan(KILLS);
  });
  it('gives the listener the same events as the webhook', () => {
    expect(sorted(receiver.listened.keys())).toEqual(sorted(state.users));
    const ids = [...receiver.listened.values()].flatMap((one) => [...one]);
    expect(sorted(ids)).toEqual(sorted(received('user_created').map(({ id }) => id)));
  });
  it('writes the audit log with the change, neither more nor less', () => {
    const told = [
      ...state.users.map((id) => `user_created ${id}`),
      ...state.sessions.map((id) => `login ${id}`),
      ...state.loggedOut.map((id) => `logout ${id}`),
    ];
    expect(sorted(state.audit)).toEqual(sorted(told));
    if (process.env.KILLS)
      console.log({
        kills: KILLS,
        acknowledged,
        users: state.users.length,
        sessions: state.sessions.length,
        loggedOut: state.loggedOut.length,
        rotations: state.rotations.length,
        events: receiver.events.size,
        calls: receiver.calls,
        refused: receiver.refused,
        repeats: receiver.repeats,
      });
  });
});
