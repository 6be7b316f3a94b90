import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';
import { type LossyProxy, startLossyProxy } from '../lossy-proxy.js';

/** How many clients refresh at once, how often each, and how many sessions are robbed. */
const CLIENTS = Number(process.env.CLIENTS ?? 10);
const REFRESHES = Number(process.env.REFRESHES ?? 8);
const THEFTS = Number(process.env.THEFTS ?? 10);
const AT_ONCE = 10;

interface Tokens {
  access_token: string;
  refresh_token: string;
}

describe('refresh over two replicas', () => {
  let server: TestServer;
  let replica: TestServer;
  let proxy: LossyProxy;
  beforeAll(async () => {
    server = await startServer();
    replica = await startServer({ replicaOf: server });
    proxy = await startLossyProxy([server.url, replica.url]);
  });
  afterAll(async () => {
    await proxy.close();
    await replica.close();
    await server.close();
  });

  const refresh = (token: string, url = proxy.url) =>
    fetch(`${url}/auth/refresh`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ refresh_token: token }),
    });
  const me = async (accessToken: string, at = replica) =>
    (await at.request('/auth/me', { bearer: accessToken })).status;

  /** As a client does: the same token again, until there is an answer. */
  async function refreshed(token: string): Promise<Tokens> {
    for (;;) {
      const answer = await refresh(token).catch(() => undefined);
      if (!answer) continue;
      const body = (await answer.json()) as { tokens: Tokens };
      if (answer.status !== 200) throw new Error(`refresh answered ${answer.status} ${JSON.stringify(body)}`);
      return body.tokens;
    }
  }

  it(`${CLIENTS} clients, ${REFRESHES} times each, one answer in ten lost: nobody is signed out`, async () => {
    const before = proxy.lost;
    const users = await inTurns(CLIENTS, () => server.signUp());
    const last = await Promise.all(
      users.map(async ({ refreshToken }) => {
        let tokens: Tokens = { access_token: '', refresh_token: refreshToken };
        for (let count = 0; count < REFRESHES; count += 1) tokens = await refreshed(tokens.refresh_token);
        return tokens;
      }),
    );
    expect(proxy.lost - before).toBeGreaterThanOrEqual(Math.floor((CLIENTS * REFRESHES) / 10));
    for (const { access_token } of last) expect(await me(access_token)).toBe(200);
    const [{ ended }] = await server.dataSource.query(
      'SELECT count(*)::int AS ended FROM authfort_sessions WHERE revoked_at IS NOT NULL',
    );
    expect(ended).toBe(0);
  }, 300_000);

  it(`${THEFTS} thefts: each is noticed, ends that session at both replicas, and no other`, async () => {
    const outcomes = await inTurns(THEFTS, async (at) => {
      const victim = await server.signUp();
      const elsewhere = await server.post('/auth/login', { email: victim.email, password: PASSWORD });
      return robbed(victim, elsewhere.body.tokens as Tokens, at % 2 ? server : replica);
    });
    expect(outcomes).toEqual(
      Array.from({ length: THEFTS }, () => ({
        replay: [401, 'refresh_token_revoked'],
        owner: 401,
        access: [401, 401],
        elsewhere: [200, 200],
      })),
    );
  }, 300_000);

  async function robbed({ refreshToken, accessToken }: SignedUp, other: Tokens, at: TestServer) {
    const second = await refreshed(refreshToken);
    const third = await refreshed(second.refresh_token);
    const replay = await at.post('/auth/refresh', { refresh_token: refreshToken });
    const owner = await at.post('/auth/refresh', { refresh_token: third.refresh_token });
    const stillThere = await refreshed(other.refresh_token);
    return {
      replay: [replay.status, replay.body.error],
      owner: owner.status,
      access: [await me(accessToken, server), await me(third.access_token, replica)],
      elsewhere: [await me(other.access_token), await me(stillThere.access_token, server)],
    };
  }
});

/** So many times, a few at once. */
async function inTurns<T>(times: number, work: (at: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let at = 0; at < times; at += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, times - at) }, (_, index) => work(at + index));
    results.push(...(await Promise.all(batch)));
  }
  return results;
}
