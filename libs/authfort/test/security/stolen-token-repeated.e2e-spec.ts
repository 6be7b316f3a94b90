import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AuthEvent } from 'authfort';
import { OnAuthEvent } from 'authfort';
import { type Adapter, adapters, PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

const CHROME =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
const CHROME_UPDATED = CHROME.replace('142.0.0.0', '143.0.7499.40').replace('10_15_7', '11_2');
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const HOME = '203.0.113.7';
const HOME_NEIGHBOUR = '203.0.113.200';
const MOBILE = '198.51.100.4';

const thefts: AuthEvent<'refresh_token_reused'>[] = [];

class Alarm {
  @OnAuthEvent('refresh_token_reused')
  ring(event: AuthEvent<'refresh_token_reused'>): void {
    thefts.push(event);
  }
}

/** Its deliveries stay in the outbox, which the owner can export. */
class Overloaded {
  @OnAuthEvent('token_refreshed', { durable: true })
  fail(): void {
    throw new Error('busy');
  }
}

interface From {
  ip?: string;
  userAgent?: string;
}

let server: TestServer;

const start = (adapter: Adapter) =>
  startServer({ adapter, providers: [Alarm], options: { trustedProxies: ['127.0.0.1'] } });
const headersOf = ({ ip, userAgent }: From) => ({ 'x-forwarded-for': ip, 'user-agent': userAgent });
const refresh = (token: string, from: From) =>
  server.post('/auth/refresh', { refresh_token: token }, { headers: headersOf(from) });
const me = (bearer: string) => server.request('/auth/me', { bearer });
const repeats = async ({ id }: SignedUp) =>
  (await server.authfort.listAuditEntries({ userId: id, action: 'refresh_token_repeated' })).entries;

/** The thief knows when the owner refreshes, and repeats the owner's token within the 30 seconds of a lossless repeat. */
describe.each(adapters)('attack: a stolen refresh token, repeated at the right moment, on %s', (adapter) => {
  beforeAll(async () => {
    server = await start(adapter);
  });
  afterAll(() => server.close());
  beforeEach(() => {
    thefts.length = 0;
  });

  it.each([
    ['another network and another device', { ip: MOBILE, userAgent: FIREFOX }],
    ['another IPv6 network and a script', { ip: '2001:db8:1::1', userAgent: 'curl/8.5.0' }],
  ])('refuses a repeat from %s as theft', async (_, thief) => {
    const user = await server.signUp();
    const owner = (await refresh(user.refreshToken, { ip: HOME, userAgent: CHROME })).body.tokens;
    server.clock.advance(5);
    const repeat = await refresh(user.refreshToken, thief);
    expect([repeat.status, repeat.body.error]).toEqual([401, 'refresh_token_revoked']);
    expect((await me(owner.access_token)).body.error).toBe('session_revoked');
    expect((await refresh(owner.refresh_token, { ip: HOME, userAgent: CHROME })).status).toBe(401);
    await refresh(user.refreshToken, thief);
    expect(thefts.map(({ sessionId, client }) => [sessionId, client.ip])).toEqual([
      [user.sessionId, thief.ip],
    ]);
  });

  it('sees the theft also where the thief was first and the owner repeats', async () => {
    const user = await server.signUp();
    const thief = (await refresh(user.refreshToken, { ip: MOBILE, userAgent: FIREFOX })).body.tokens;
    expect((await refresh(user.refreshToken, { ip: HOME, userAgent: CHROME })).status).toBe(401);
    expect((await me(thief.access_token)).body.error).toBe('session_revoked');
  });

  it('sees the theft of a token whose own lifetime has ended within the window', async () => {
    const user = await server.signUp();
    server.clock.advance(30 * 86_400 - 10);
    const owner = (await refresh(user.refreshToken, { ip: HOME, userAgent: CHROME })).body.tokens;
    server.clock.advance(20);
    await refresh(user.refreshToken, { ip: MOBILE, userAgent: FIREFOX });
    expect((await me(owner.access_token)).body.error).toBe('session_revoked');
  });

  it.each<[string, From, From]>([
    ['the same client', { ip: HOME, userAgent: CHROME }, { ip: HOME, userAgent: CHROME }],
    ['a phone that leaves its Wi-Fi', { ip: HOME, userAgent: CHROME }, { ip: MOBILE, userAgent: CHROME }],
    [
      'a browser that was updated',
      { ip: HOME, userAgent: CHROME },
      { ip: MOBILE, userAgent: CHROME_UPDATED },
    ],
    [
      'a script that was updated',
      { ip: HOME, userAgent: 'Shop/1.2 x' },
      { ip: MOBILE, userAgent: 'Shop/1.3 y' },
    ],
    [
      'another device of the network',
      { ip: HOME, userAgent: CHROME },
      { ip: HOME_NEIGHBOUR, userAgent: FIREFOX },
    ],
    [
      'another device of the IPv6 site',
      { ip: '2001:db8:1:1::1', userAgent: CHROME },
      { ip: '2001:DB8:1:2::9', userAgent: FIREFOX },
    ],
  ])('answers a repeat of %s without loss', async (_, first, second) => {
    const user = await server.signUp();
    const { body } = await refresh(user.refreshToken, first);
    const repeat = await refresh(user.refreshToken, second);
    expect([repeat.status, repeat.body.tokens?.refresh_token]).toEqual([200, body.tokens.refresh_token]);
    expect((await refresh(body.tokens.refresh_token, second)).status).toBe(200);
    expect(thefts).toEqual([]);
  });

  it('does not count an unknown value as a difference', async () => {
    const known = { ip: HOME, userAgent: CHROME };
    for (const [first, second] of [
      [known, undefined],
      [undefined, known],
      [known, { ip: MOBILE, userAgent: null }],
      [{ ip: '', userAgent: FIREFOX }, known],
    ]) {
      const user = await server.signUp();
      const { tokens } = await server.authfort.refresh(user.refreshToken, first);
      const repeat = await server.authfort.refresh(user.refreshToken, second);
      expect(repeat.tokens.refreshToken).toBe(tokens.refreshToken);
    }
  });

  it('audits a repeat, once for each rotated token', async () => {
    const user = await server.signUp();
    const from = { ip: HOME, userAgent: CHROME };
    const { body } = await refresh(user.refreshToken, from);
    expect(await repeats(user)).toEqual([]);
    await Promise.all(Array.from({ length: 5 }, () => refresh(user.refreshToken, { ...from, ip: MOBILE })));
    expect(await repeats(user)).toMatchObject([{ sessionId: user.sessionId, ip: MOBILE }]);
    await refresh(body.tokens.refresh_token, from);
    await refresh(body.tokens.refresh_token, from);
    // Another token of the same session within the same minute: the entry counts it.
    expect(await repeats(user)).toMatchObject([{ repeats: 2 }]);
  });

  it('keeps neither address nor device in a form that a dump could give away', async () => {
    const user = await server.signUp();
    await refresh(user.refreshToken, { ip: '198.18.77.1', userAgent: 'Peculiar/9' });
    const rows = await server.dataSource.query<{ rotated_network: Buffer; rotated_device: Buffer }[]>(
      'SELECT * FROM authfort_refresh_tokens WHERE rotated_network IS NOT NULL',
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows)
      expect([row.rotated_network, row.rotated_device].map(String).join() + JSON.stringify(row)).not.toMatch(
        /198\.18\.77|peculiar/i,
      );
  });
});

describe('attack: watching the API for the moment at which the owner refreshes', () => {
  const HOUR = 3600;
  beforeAll(async () => {
    server = await startServer({ options: { cookie: {} }, providers: [Overloaded] });
  });
  afterAll(() => server.close());

  /** All that a holder of an access token, an administrator and the code can read of the sessions. */
  async function seen(user: SignedUp, bearer: string) {
    const outputs = await Promise.all(
      ['/auth/sessions', '/auth/me/export', '/auth/me'].map((path) => server.request(path, { bearer })),
    );
    const coded = await server.authfort.getSessions(user.id);
    return JSON.stringify([
      outputs.map(({ text, headers }) => [text, headers.get('etag'), headers.get('last-modified')]),
      coded,
    ]);
  }
  const lastSeen = async (bearer: string) =>
    (await server.request('/auth/sessions', { bearer })).body.sessions[0].last_seen_at as string;
  const toTheHour = () => HOUR - (Math.floor(server.clock.now().getTime() / 1000) % HOUR);

  it.each([60, HOUR - 5, HOUR + 5, 3 * HOUR + 7])(
    'shows nothing of a refresh or a repeat, %d s behind the full hour of the sign-in',
    async (seconds) => {
      server.clock.advance(toTheHour());
      const user = await server.signUp();
      server.clock.advance(seconds);
      // A second sign-in, by the thief: its token lives for as long as the test.
      const thief = await server.post('/auth/login', { email: user.email, password: PASSWORD });
      const bearer = thief.body.tokens.access_token as string;
      const before = await seen(user, bearer);
      expect(await seen(user, bearer)).toBe(before);
      await server.post('/auth/refresh', { refresh_token: user.refreshToken });
      expect(await seen(user, bearer)).toBe(before);
      await server.post('/auth/refresh', { refresh_token: user.refreshToken });
      expect(await seen(user, bearer)).toBe(before);
    },
  );

  it('rounds the last use down to the hour, and shows it when that hour is over, to all readers', async () => {
    server.clock.advance(toTheHour() + 1800);
    const user = await server.signUp();
    const opened = server.clock.now();
    opened.setUTCMinutes(0, 0, 0);
    expect(await lastSeen(user.accessToken)).toBe(opened.toISOString());
    server.clock.advance(HOUR);
    const refreshed = server.clock.now();
    refreshed.setUTCMinutes(0, 0, 0);
    const { body } = await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    const bearer = body.tokens.access_token as string;
    expect(await lastSeen(bearer)).toBe(opened.toISOString());
    server.clock.advance(toTheHour());
    const again = await server.post('/auth/login', { email: user.email, password: PASSWORD });
    const exported = await server.request('/auth/me/export', { bearer: again.body.tokens.access_token });
    const sessions = (await server.request('/auth/sessions', { bearer: again.body.tokens.access_token })).body
      .sessions as { id: string; last_seen_at: string }[];
    const ofUser = ({ id }: { id: string }) => id === user.sessionId;
    expect(sessions.find(ofUser)!.last_seen_at).toBe(refreshed.toISOString());
    expect((await server.authfort.getSessions(user.id)).find(ofUser)!.lastSeenAt).toEqual(refreshed);
    expect(new Date(exported.body.sessions.find(ofUser).last_seen_at)).toEqual(refreshed);
  });
});
