import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AuthState, createAuthClient, memoryStorage } from 'authfort-client';
import { PASSWORD, startServer, type TestServer } from '../../../authfort/test/harness.js';
import { type LossyProxy, startLossyProxy } from '../../../authfort/test/lossy-proxy.js';

const CLIENTS = Number(process.env.CLIENTS ?? 10);
const REFRESHES = Number(process.env.REFRESHES ?? 10);

describe('clients on a network that loses one answer in ten', () => {
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

  it(`${CLIENTS} of them, ${REFRESHES} refreshes each: nobody is signed out`, async () => {
    const ends = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, number) => {
        const client = createAuthClient({
          baseUrl: `${proxy.url}/auth`,
          tokenMode: 'bearer',
          tokenStorage: memoryStorage(),
        });
        const states: AuthState[] = [];
        await client.signUp({ email: `lossy-${number}@example.com`, password: PASSWORD });
        client.onAuthStateChange((state) => states.push(state));
        // A service that says that the token has expired: the client refreshes, and asks once more.
        for (let count = 0; count < REFRESHES; count += 1) {
          await client.fetch(`${proxy.url}/expired`).catch(() => undefined);
        }
        const me = await client.fetch(`${server.url}/auth/me`);
        const end = [client.getSnapshot().state, states, me.status];
        client.dispose();
        return end;
      }),
    );
    expect(ends).toEqual(ends.map(() => ['authenticated', ['authenticated'], 200]));
    expect(proxy.lost).toBeGreaterThanOrEqual(Math.floor((CLIENTS * REFRESHES) / 10) - 1);
  }, 300_000);
});
