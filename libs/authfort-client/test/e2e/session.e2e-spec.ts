import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type AuthClient, type AuthState, createAuthClient, memoryStorage } from 'authfort-client';
import { PASSWORD, startServer, type TestServer } from '../../../authfort/test/harness.js';
import { cookieJar } from '../cookie-jar.js';
import { sleepFor } from '../page.js';

/** Of an access token, and the tolerance for clocks that differ (seconds). */
const LIFETIME = 900 + 6;

let number = 0;
const newEmail = () => `client-${(number += 1)}@example.com`;

describe.each(['cookie', 'bearer'] as const)('a client in %s mode', (tokenMode) => {
  let server: TestServer;
  let strict: TestServer;
  const clients: AuthClient[] = [];
  beforeAll(async () => {
    server = await startServer({ options: { cookie: {} } });
    strict = await startServer({
      options: { requireVerifiedEmail: true, cookie: {} },
      replicaOf: server,
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    for (const client of clients.splice(0)) client.dispose();
  });
  afterAll(async () => {
    await server.close();
    await strict.close();
  });

  /** A client, and what becomes of its state. The same device keeps its cookies and its token storage. */
  function onDevice(device = { fetch: cookieJar() as typeof fetch, tokenStorage: memoryStorage() }) {
    const client = createAuthClient({ baseUrl: `${server.url}/auth`, tokenMode, timeout: 5, ...device });
    clients.push(client);
    const states: AuthState[] = [];
    client.onAuthStateChange((state) => states.push(state));
    return { client, states, device };
  }
  async function signedUp() {
    const email = newEmail();
    const one = onDevice();
    const user = await one.client.signUp({ email, password: PASSWORD, name: 'Ada' });
    return { ...one, email, user };
  }
  const me = () => `${server.url}/auth/me`;

  it('signs up, out and in', async () => {
    const { client, states, email, user } = await signedUp();
    expect(user).toEqual({
      id: expect.any(String),
      email,
      name: 'Ada',
      roles: [],
      emailVerified: false,
      createdAt: expect.any(String),
      mfaEnabled: false,
      sessionId: expect.any(String),
    });
    expect(client.getSnapshot()).toEqual({ state: 'authenticated', user, expiresAt: expect.any(Number) });
    expect(await client.getUser()).toEqual(user);
    const session = client.getSnapshot();
    await client.signOut();
    expect(client.getSnapshot()).toEqual({ state: 'unauthenticated', user: null, expiresAt: null });
    expect((await client.fetch(me())).status).toBe(401);
    const again = await client.signIn({ email, password: PASSWORD });
    expect(again).toMatchObject({ id: user.id });
    expect(client.getSnapshot().user?.sessionId).not.toBe(session.user?.sessionId);
    expect(states).toEqual(['loading', 'authenticated', 'unauthenticated', 'authenticated']);
  });
  it('finds its session again when the page is loaded anew, also after the access token has ended', async () => {
    const { device, user } = await signedUp();
    for (const seconds of [0, LIFETIME]) {
      server.clock.advance(seconds);
      const { client, states } = onDevice(device);
      await client.initialize();
      expect(client.getSnapshot()).toMatchObject({ state: 'authenticated', user: { id: user.id } });
      expect(states).toEqual(['loading', 'authenticated']);
    }
  });
  it('signs up without signing in where the address has to be verified first', async () => {
    const device = { fetch: cookieJar() as typeof fetch, tokenStorage: memoryStorage() };
    const client = createAuthClient({ baseUrl: `${strict.url}/auth`, tokenMode, ...device });
    clients.push(client);
    await client.initialize();
    const email = newEmail();
    const user = await client.signUp({ email, password: PASSWORD });
    expect(user).toMatchObject({ email, emailVerified: false, sessionId: undefined });
    expect(client.getSnapshot()).toEqual({ state: 'unauthenticated', user: null, expiresAt: null });
    const refused = client.signIn({ email, password: PASSWORD });
    await expect(refused).rejects.toMatchObject({ code: 'email_not_verified', statusCode: 403 });
    await client.verifyEmail(await strict.tokenFor(email));
    expect(await client.signIn({ email, password: PASSWORD })).toMatchObject({ id: user.id });
    // The address is taken back: the next refresh ends the session here.
    await strict.authfort.updateUser(user.id, { emailVerified: false });
    expect((await client.fetch(`${strict.url}/auth/me`)).status).toBe(401);
    expect(client.getSnapshot().state).toBe('unauthenticated');
  });
  it('shows with the link that it holds the account', async () => {
    const { client, email, user } = await signedUp();
    await client.verifyEmail(await server.tokenFor(email));
    const [{ confirmed }] = await server.dataSource.query(
      'SELECT owner_confirmed AS confirmed FROM authfort_users WHERE id = $1',
      [user.id],
    );
    expect(confirmed).toBe(true);
  });
  it('is signed out where nobody was signed in', async () => {
    const { client } = onDevice();
    await client.initialize();
    expect(client.getSnapshot()).toEqual({ state: 'unauthenticated', user: null, expiresAt: null });
    expect(await client.getToken()).toBeNull();
    await expect(client.getUser()).rejects.toMatchObject({ code: 'token_missing', statusCode: 401 });
  });
  it('refreshes once for many requests that are refused at the same time, and sends them again', async () => {
    const { device, user } = await signedUp();
    let refreshes = 0;
    const counting: typeof fetch = (input, init) => {
      if (new Request(input, init).url.endsWith('/refresh')) refreshes += 1;
      return device.fetch(input, init);
    };
    const { client } = onDevice({ ...device, fetch: counting });
    await client.initialize();
    server.clock.advance(LIFETIME);
    refreshes = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.fetch(me())));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(refreshes).toBe(1);
    expect(await (answers[0]!.json() as Promise<object>)).toMatchObject({ id: user.id });
  });
  it('sends a body again', async () => {
    const { client } = await signedUp();
    server.clock.advance(LIFETIME);
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode('{"email":"'));
        controller.enqueue(new TextEncoder().encode('x"}'));
        controller.close();
      },
    });
    const init = { method: 'PATCH', body, duplex: 'half', headers: { 'content-type': 'application/json' } };
    // An address is not changed here; what counts is that the second request could be made.
    expect((await client.fetch(me(), init as RequestInit)).status).toBe(422);
  });
  it('is signed out when the server says so, and only then', async () => {
    const { client, user } = await signedUp();
    await server.authfort.revokeAllSessions(user.id);
    expect((await client.fetch(me())).status).toBe(401);
    expect(client.getSnapshot().state).toBe('unauthenticated');
  });
  it('is signed out when the account is banned', async () => {
    const { client, user } = await signedUp();
    await server.authfort.banUser(user.id);
    await client.fetch(me());
    server.clock.advance(LIFETIME);
    await client.fetch(me());
    expect(client.getSnapshot().state).toBe('unauthenticated');
  });
  it('stays signed in while the network or the server is away, and recovers by itself', async () => {
    const { device, user } = await signedUp();
    let away: (() => Promise<Response>) | undefined;
    const send: typeof fetch = (input, init) => away?.() ?? device.fetch(input, init);
    const { client } = onDevice({ ...device, fetch: send });
    await client.initialize();
    server.clock.advance(LIFETIME);
    let failures = 0;
    const fail = (how: () => Promise<Response>) => () => {
      failures += 1;
      if (failures > 1) away = undefined;
      return how();
    };
    for (const how of [
      () => Promise.reject(new TypeError('fetch failed')),
      () => Promise.resolve(new Response('<html>502</html>', { status: 502 })),
      () =>
        Promise.resolve(
          new Response('{"error":"unavailable","message":"…"}', {
            status: 503,
            headers: { 'retry-after': '1' },
          }),
        ),
    ]) {
      failures = 0;
      server.clock.advance(LIFETIME);
      sleepFor(LIFETIME);
      away = fail(how);
      await client.getUser().catch(() => undefined);
      expect(client.getSnapshot()).toMatchObject({ state: 'authenticated', user: { id: user.id } });
      away = undefined;
      expect((await client.getUser()).id).toBe(user.id);
      jest.restoreAllMocks();
    }
  });
  it('loses nobody though every tenth answer to a refresh is lost: 100 refreshes', async () => {
    const { device, user } = await signedUp();
    let refreshes = 0;
    let lost = 0;
    const lossy: typeof fetch = async (input, init) => {
      const refresh = new Request(input, init).url.endsWith('/refresh');
      const answer = await device.fetch(input, init);
      if (!refresh) return answer;
      refreshes += 1;
      if (refreshes % 10 !== 0) return answer;
      lost += 1;
      throw new TypeError('fetch failed');
    };
    // In cookie mode a lost answer takes its cookies with it.
    const jar = (device.fetch as ReturnType<typeof cookieJar>).cookies;
    const losing: typeof fetch = async (input, init) => {
      const before = new Map(jar);
      try {
        return await lossy(input, init);
      } catch (error) {
        jar.clear();
        for (const [name, value] of before) jar.set(name, value);
        throw error;
      }
    };
    const { client, states } = onDevice({ ...device, fetch: losing });
    await client.initialize();
    // In bearer mode that has been one already.
    while (refreshes - lost < 100) {
      server.clock.advance(LIFETIME);
      expect((await client.fetch(me())).status).toBe(200);
    }
    expect(lost).toBeGreaterThanOrEqual(10);
    expect(states).toEqual(['loading', 'authenticated']);
    expect(client.getSnapshot().user?.id).toBe(user.id);
  }, 120_000);
  it.each([7200, -7200])('does not care that the clock of the device was set by %d s', async (seconds) => {
    const { client, states } = await signedUp();
    sleepFor(seconds);
    for (let n = 0; n < 3; n += 1) {
      server.clock.advance(LIFETIME);
      expect((await client.fetch(me())).status).toBe(200);
    }
    expect(states).toEqual(['loading', 'authenticated']);
  });
  it('honours an AbortSignal', async () => {
    const { client, email } = await signedUp();
    const credentials = { email, password: PASSWORD };
    const signal = AbortSignal.abort();
    await expect(client.signIn(credentials, { signal })).rejects.toMatchObject({ code: 'aborted' });
    const controller = new AbortController();
    const pending = client.getUser({ signal: controller.signal });
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: 'aborted', statusCode: 0 });
    expect(client.getSnapshot().state).toBe('authenticated');
    await expect(client.fetch(me(), { signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
  it('tells the codes of the server', async () => {
    const { client, email } = await signedUp();
    await expect(client.signUp({ email, password: PASSWORD })).rejects.toMatchObject({
      name: 'AuthClientError',
      code: 'user_exists',
      statusCode: 409,
    });
    await expect(client.signIn({ email, password: 'wrong password' })).rejects.toMatchObject({
      code: 'invalid_credentials',
      statusCode: 401,
    });
    expect(client.getSnapshot().state).toBe('authenticated');
  });
});

describe('tokens in bearer mode', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ options: { cookie: {} } });
  });
  afterEach(() => void jest.restoreAllMocks());
  afterAll(() => server.close());

  it('hands out a token that is good: refreshed when this one has ended', async () => {
    const client = createAuthClient({
      baseUrl: `${server.url}/auth`,
      tokenMode: 'bearer',
      tokenStorage: memoryStorage(),
    });
    await client.signUp({ email: newEmail(), password: PASSWORD });
    const first = await client.getToken();
    expect(await client.getToken()).toBe(first);
    sleepFor(LIFETIME);
    server.clock.advance(LIFETIME);
    const second = await client.getToken();
    expect(second).not.toBe(first);
    expect((await server.request('/auth/me', { bearer: second! })).status).toBe(200);
    client.dispose();
  });
  it('hands out none in cookie mode', async () => {
    const client = createAuthClient({ baseUrl: `${server.url}/auth`, fetch: cookieJar() });
    await client.signUp({ email: newEmail(), password: PASSWORD });
    expect(await client.getToken()).toBeNull();
    client.dispose();
  });
});
