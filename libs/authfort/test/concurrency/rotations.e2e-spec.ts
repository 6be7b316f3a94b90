import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { claimsOf, headerOf, type SignedUp, startServer, type TestServer } from '../harness.js';

/** How often both replicas rotate at the same moment: long enough that a second key signs, 77 s after it was published. */
const ROTATIONS = Number(process.env.ROTATIONS ?? 20);
const SECONDS_BETWEEN = 5;

describe('two replicas that rotate at the same moment', () => {
  let replicas: [TestServer, TestServer];
  let user: SignedUp;
  beforeAll(async () => {
    const server = await startServer();
    replicas = [server, await startServer({ replicaOf: server })];
    user = await server.signUp();
  });
  afterAll(async () => {
    await replicas[1].close();
    await replicas[0].close();
  });

  const published = async (server: TestServer): Promise<string[]> =>
    (await server.request('/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid).sort();

  it(`${ROTATIONS} times: always one current and one next key, and every living token is good at both`, async () => {
    const [server, replica] = replicas;
    const kids = new Set<unknown>();
    let tokens = [user.accessToken];
    let { refreshToken } = user;
    for (let round = 0; round < ROTATIONS; round += 1) {
      server.clock.advance(SECONDS_BETWEEN);
      const rotated = await Promise.all(replicas.map(({ authfort }) => authfort.rotateKey()));
      expect(new Set(rotated).size).toBe(2);

      const [states] = await server.dataSource.query(
        `SELECT count(*) FILTER (WHERE state = 'current')::int AS current, count(*) FILTER (WHERE state = 'next')::int AS next
         FROM authfort_signing_keys`,
      );
      expect(states).toEqual({ current: 1, next: 1 });
      const [{ kid: current }] = await server.dataSource.query(
        `SELECT kid FROM authfort_signing_keys WHERE state = 'current'`,
      );
      expect(rotated).toContain(current);

      for (const signer of replicas) {
        const { body } = await signer.post('/auth/refresh', { refresh_token: refreshToken });
        refreshToken = body.tokens.refresh_token;
        tokens.push(body.tokens.access_token);
        kids.add(headerOf(body.tokens.access_token).kid);
      }
      const now = server.clock.now().getTime() / 1000;
      tokens = tokens.filter((token) => (claimsOf(token).exp as number) > now);
      // The oldest, one in between, and what was just signed.
      const tried = [tokens[0]!, tokens[Math.floor(tokens.length / 2)]!, ...tokens.slice(-2)];
      for (const verifier of [server, replica]) {
        for (const token of tried)
          expect((await verifier.request('/auth/me', { bearer: token })).status).toBe(200);
      }
    }
    // What the other one did last is seen within its two seconds, or when a token names it.
    await Promise.all(replicas.map(({ authfort }) => authfort.rotateKey()));
    await server.post('/auth/refresh', { refresh_token: refreshToken });
    for (const { kid } of await server.dataSource.query(
      `SELECT kid FROM authfort_signing_keys WHERE state <> 'retiring'`,
    )) {
      expect((await Promise.all(replicas.map(published))).some((all) => all.includes(kid as string))).toBe(
        true,
      );
    }
    expect(kids.size).toBeGreaterThan(1);
  }, 600_000);
});
