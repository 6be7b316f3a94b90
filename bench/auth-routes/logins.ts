import { setTimeout as pause } from 'node:timers/promises';
import { HttpLoad, type LoadResult, requestText } from '../load/http-load.js';
import { median } from '../load/interleave.js';
import type { BenchUser } from './auth.server.js';
import type { Contestants } from './routes.js';

/** What logins cost, and what they do to others. */
export interface LoginFigures {
  readonly loginsPerSecond: number;
  /** Comparisons of a password and its hash, by themselves. */
  readonly hashesPerSecond: number;
  /** The least that a login could be, in a bare NestJS route. */
  readonly barePerSecond: number;
  /** Of the hashes, the median over the rounds. */
  readonly share: number;
  /** Of the bare logins, the median over the rounds. */
  readonly ofBare: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU of the server for one login, in microseconds. */
  readonly cpuPerLogin: number;
  /** Medians of `GET /auth/me`, in milliseconds: by itself, and while logins take all the CPU there is. */
  readonly meIdle: number;
  readonly meBusy: number;
}

const SLICE_MS = 4_000;
/** So many that V8 has compiled what a login runs, at less than 20 of them a second. */
const WARM_UP_MS = 15_000;
const SAMPLES = 100;
const SAMPLE_EVERY_MS = 20;
/** As many as fit into the queue of the hasher. */
const CONNECTIONS = 8;

/** By turns: raw hashing, bare logins, logins, and a request every 20 ms beside logins. */
export async function measureLogins(
  { auth, bare, users }: Contestants,
  rounds: number,
): Promise<LoginFigures> {
  const logins = await HttpLoad.open({
    url: auth.url,
    connections: CONNECTIONS,
    request: (connection) => loginOf(users[connection]!),
  });
  const bareLogins = await HttpLoad.open({
    url: bare.url,
    connections: CONNECTIONS,
    request: requestText('POST', '/login', { 'content-type': 'application/json' }, '{}'),
  });
  const [{ accessToken }] = users as [BenchUser];
  const request = requestText('GET', '/auth/me', { authorization: `Bearer ${accessToken}` });
  const me = await HttpLoad.open({ url: auth.url, connections: 1, request });
  for (const load of [bareLogins, logins]) assertAllGood(await load.run(WARM_UP_MS));
  const all = [];
  for (let round = 0; round < rounds; round += 1) {
    const { count, took } = (await bare.call('compare', SLICE_MS)) as { count: number; took: number };
    const bareLogin = await bareLogins.run(SLICE_MS);
    const before = (await auth.usage()).cpu;
    const login = await logins.run(SLICE_MS);
    const cpuPerLogin = ((await auth.usage()).cpu - before) / login.requests;
    const meIdle = await paced(me);
    const [meBusy] = await Promise.all([paced(me), logins.run(SAMPLES * SAMPLE_EVERY_MS)]);
    for (const result of [bareLogin, login]) assertAllGood(result);
    all.push({ hashesPerSecond: (count * 1000) / took, bareLogin, login, cpuPerLogin, meIdle, meBusy });
  }
  logins.close();
  bareLogins.close();
  me.close();
  return {
    loginsPerSecond: median(all.map(({ login }) => login.perSecond)),
    hashesPerSecond: median(all.map(({ hashesPerSecond }) => hashesPerSecond)),
    barePerSecond: median(all.map(({ bareLogin }) => bareLogin.perSecond)),
    ofBare: median(all.map(({ login, bareLogin }) => login.perSecond / bareLogin.perSecond)),
    share: median(all.map(({ login, hashesPerSecond }) => login.perSecond / hashesPerSecond)),
    p50: median(all.map(({ login }) => login.p50)),
    p99: median(all.map(({ login }) => login.p99)),
    cpuPerLogin: median(all.map(({ cpuPerLogin }) => cpuPerLogin)),
    meIdle: median(all.map(({ meIdle }) => meIdle)),
    meBusy: median(all.map(({ meBusy }) => meBusy)),
  };
}

function assertAllGood({ byStatus }: LoadResult): void {
  if (Object.keys(byStatus).join() !== '200')
    throw new Error(`a login was not answered with 200: ${JSON.stringify(byStatus)}`);
}

function loginOf({ email, password }: BenchUser): string {
  const headers = { 'content-type': 'application/json' };
  return requestText('POST', '/auth/login', headers, JSON.stringify({ email, password }));
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
