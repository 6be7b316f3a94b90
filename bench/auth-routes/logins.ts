import { setTimeout as pause } from 'node:timers/promises';
import { HttpLoad, type LoadResult, requestText } from '../load/http-load.js';
import { assertAnswered, interleave, type Interleaved, median } from '../load/interleave.js';
import type { PinnedProcess } from '../load/pinned-process.js';
import type { BenchUser } from './auth.server.js';
import type { Contestants } from './routes.js';

/** What logins cost, and what they do to others. */
export interface LoginFigures {
  readonly logins: Interleaved;
  /** The least that a login could be, in a bare NestJS route. */
  readonly bare: Interleaved;
  /** Comparisons of a password and its hash, by themselves. */
  readonly hashes: Interleaved;
  /** Medians of `GET /auth/me`, in milliseconds: by itself, and while logins take all the CPU there is. */
  readonly meIdle: number;
  readonly meBusy: number;
}

const JSON_BODY = { 'content-type': 'application/json' };
const SLICE_MS = 2_000;
/** Slices of each: so many logins that V8 has compiled what they run, at less than 20 of them a second. */
const WARM_UP = 6;
const SAMPLES = 100;
const SAMPLE_EVERY_MS = 20;
/** As many as fit into the queue of the hasher. */
const CONNECTIONS = 8;

/** By turns: raw hashing, bare logins and logins; then a request every 20 ms, by itself and beside logins. */
export async function measureLogins(
  { auth, bare, users }: Contestants,
  rounds: number,
): Promise<LoginFigures> {
  const open = (url: string, request: (connection: number) => string, connections = CONNECTIONS) =>
    HttpLoad.open({ url, connections, request });
  const login = await open(auth.url, (connection) => loginOf(users[connection]!));
  const bareLogin = await open(bare.url, () => requestText('POST', '/login', JSON_BODY, '{}'));
  const cpuOf = (server: PinnedProcess) => async () => (await server.usage()).cpu;
  const measured = await interleave(
    [
      { name: 'POST /auth/login', slice: (ms) => login.run(ms), cpu: cpuOf(auth) },
      { name: 'bare: SELECT, hash, UPDATE, signature', slice: (ms) => bareLogin.run(ms), cpu: cpuOf(bare) },
      { name: 'hashes, by themselves', slice: (ms) => compare(bare, ms), cpu: cpuOf(bare) },
    ],
    { sliceMilliseconds: SLICE_MS, slices: rounds * 3, warmUp: WARM_UP },
  );
  assertAnswered(measured);
  const [{ accessToken }] = users as [BenchUser];
  const headers = { authorization: `Bearer ${accessToken}` };
  const me = await open(auth.url, () => requestText('GET', '/auth/me', headers), 1);
  const idle: number[] = [];
  const busy: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    idle.push(await paced(me));
    busy.push((await Promise.all([paced(me), login.run(SAMPLES * SAMPLE_EVERY_MS)]))[0]);
  }
  for (const load of [login, bareLogin, me]) load.close();
  const [logins, bareLogins, hashes] = measured as [Interleaved, Interleaved, Interleaved];
  return { logins, bare: bareLogins, hashes, meIdle: median(idle), meBusy: median(busy) };
}

/** Each hash is one request that was answered. */
async function compare(bare: PinnedProcess, milliseconds: number): Promise<LoadResult> {
  const { count, took } = (await bare.call('compare', milliseconds)) as { count: number; took: number };
  return {
    requests: count,
    perSecond: (count * 1000) / took,
    p50: took / count,
    p99: took / count,
    byStatus: { 200: count },
    lost: 0,
  };
}

function loginOf({ email, password }: BenchUser): string {
  return requestText('POST', '/auth/login', JSON_BODY, JSON.stringify({ email, password }));
}

/** The median of single requests with pauses between them. */
async function paced(load: HttpLoad): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < SAMPLES; n += 1) {
    // No longer than its first answer.
    times.push((await load.run(0)).p50);
    await pause(SAMPLE_EVERY_MS);
  }
  return median(times);
}
