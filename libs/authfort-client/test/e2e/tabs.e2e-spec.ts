import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type AuthClient, type AuthState, createAuthClient, webStorage } from 'authfort-client';
import { PASSWORD, startServer, type TestServer } from '../../../authfort/test/harness.js';
import { cookieJar } from '../cookie-jar.js';
import { openPage, sleepFor } from '../page.js';

const LIFETIME = 900 + 6;

/** Tabs of one origin, in a browser without Web Locks: a lease keeps them apart. With Web Locks: test/browser. */
describe.each(['cookie', 'bearer'] as const)('ten tabs in %s mode', (tokenMode) => {
  let server: TestServer;
  let page: ReturnType<typeof openPage>;
  let tabs: { client: AuthClient; states: AuthState[] }[];
  let refreshes = 0;
  beforeAll(async () => {
    server = await startServer({ options: { cookie: {} } });
  });
  beforeEach(async () => {
    page = openPage();
    const jar = cookieJar();
    const counting: typeof fetch = (input, init) => {
      if (new Request(input, init).url.endsWith('/refresh')) refreshes += 1;
      return jar(input, init);
    };
    tabs = Array.from({ length: 10 }, () => {
      const client = createAuthClient({
        baseUrl: `${server.url}/auth`,
        tokenMode,
        tokenStorage: webStorage(),
        fetch: counting,
      });
      const states: AuthState[] = [];
      client.onAuthStateChange((state) => states.push(state));
      return { client, states };
    });
    await tabs[0]!.client.signUp({ email: `tab-${Math.random()}@example.com`, password: PASSWORD });
    await everywhere('authenticated');
    refreshes = 0;
  });
  afterEach(() => {
    jest.restoreAllMocks();
    for (const { client } of tabs) client.dispose();
    page.close();
  });
  afterAll(() => server.close());

  async function everywhere(state: AuthState): Promise<void> {
    const missing = () => tabs.some(({ client }) => client.getSnapshot().state !== state);
    while (missing()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  it('are signed in and out together', async () => {
    const [one] = tabs;
    const { user } = one!.client.getSnapshot();
    for (const { client } of tabs) expect(client.getSnapshot().user).toEqual(user);
    await tabs[7]!.client.signOut();
    await everywhere('unauthenticated');
    for (const { states } of tabs) expect(states).toEqual(['loading', 'authenticated', 'unauthenticated']);
  });

  it('wake with tokens that have ended: one refreshes, nobody is signed out', async () => {
    for (let wake = 1; wake <= 5; wake += 1) {
      server.clock.advance(LIFETIME);
      jest.restoreAllMocks();
      sleepFor(LIFETIME * wake);
      page.show();
      const answers = await Promise.all(tabs.map(({ client }) => client.fetch(`${server.url}/auth/me`)));
      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
      expect(refreshes).toBe(wake);
    }
    for (const { states } of tabs) expect(states).toEqual(['loading', 'authenticated']);
  });

  it('begin anew together: each finds the session', async () => {
    await Promise.all(tabs.map(({ client }) => client.initialize()));
    await everywhere('authenticated');
    for (const { states } of tabs) expect(states).toEqual(['loading', 'authenticated']);
  });
});
