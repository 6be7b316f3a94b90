import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { claimsOf, PASSWORD, startServer, type TestServer } from '../harness.js';

const DAY = 86_400;

/** ASVS 7.3: a session ends when it has been idle too long, and at the latest after its absolute lifetime. */
describe('attack: sessions that live for ever', () => {
  let server: TestServer;
  let short: TestServer;
  beforeAll(async () => {
    server = await startServer({ options: { cookie: {} } });
  });
  afterAll(async () => {
    await short.close();
    await server.close();
  });
  const refresh = (token: string) => server.post('/auth/refresh', { refresh_token: token });

  it('ends after 30 idle days', async () => {
    const user = await server.signUp();
    server.clock.advance(30 * DAY - 1);
    const kept = await refresh(user.refreshToken);
    expect(kept.status).toBe(200);
    server.clock.advance(30 * DAY);
    expect((await refresh(kept.body.tokens.refresh_token)).body.error).toBe('refresh_token_expired');
  });

  it('ends after 90 days, however busy it was', async () => {
    const user = await server.signUp();
    let token = user.refreshToken;
    for (let day = 20; day <= 80; day += 20) {
      server.clock.advance(20 * DAY);
      token = (await refresh(token)).body.tokens.refresh_token;
    }
    server.clock.advance(10 * DAY - 10);
    const last = await refresh(token);
    expect(last.status).toBe(200);
    server.clock.advance(10);
    expect((await refresh(last.body.tokens.refresh_token)).body.error).toBe('refresh_token_expired');
    expect((await server.request('/auth/me', { bearer: last.body.tokens.access_token })).body.error).toBe(
      'session_revoked',
    );
  });

  describe('near the absolute end of a session', () => {
    const lifeOf = (token: string) => {
      const { exp, iat } = claimsOf(token) as { exp: number; iat: number };
      return exp - iat;
    };
    const maxAges = (setCookies: string[]) =>
      setCookies.map((line) => Number(/Max-Age=(\d+)/.exec(line)![1]));
    const shrink = (sessionId: string, seconds: number) =>
      server.dataSource.query('UPDATE authfort_sessions SET expires_at = $2 WHERE id = $1', [
        sessionId,
        new Date(server.clock.now().getTime() + seconds * 1000),
      ]);

    it('issues no access token and no cookie that outlives it', async () => {
      const user = await server.signUp();
      await shrink(user.sessionId, 100.9);
      const { body, setCookies } = await refresh(user.refreshToken);
      expect([lifeOf(body.tokens.access_token), body.tokens.expires_in]).toEqual([100, 100]);
      expect(maxAges(setCookies)).toEqual([100, 100, 100]);
      server.clock.advance(10);
      const repeat = await refresh(user.refreshToken);
      expect([lifeOf(repeat.body.tokens.access_token), repeat.body.tokens.expires_in]).toEqual([90, 90]);
      expect(maxAges(repeat.setCookies)).toEqual([90, 90, 90]);
      const { exp } = claimsOf(repeat.body.tokens.access_token) as { exp: number };
      expect((await server.introspect(repeat.body.tokens.access_token)).body.exp).toBe(exp);
    });

    it('issues full lifetimes before, and the rest of the idle lifetime to a repeat', async () => {
      const user = await server.signUp();
      const { body, setCookies } = await refresh(user.refreshToken);
      expect([body.tokens.expires_in, maxAges(setCookies)]).toEqual([900, [900, 30 * DAY, 30 * DAY]]);
      server.clock.advance(20);
      const repeat = await refresh(user.refreshToken);
      expect(maxAges(repeat.setCookies)).toEqual([900, 30 * DAY - 20, 30 * DAY - 20]);
    });

    it('holds at the sign-in too, and in code', async () => {
      const user = await server.signUp();
      short = await startServer({
        replicaOf: server,
        options: { accessTokenTtl: 60, refreshTokenTtl: 60, sessionAbsoluteTtl: 60, cookie: {} },
      });
      server.clock.advance(0.5);
      const login = await short.post('/auth/login', { email: user.email, password: PASSWORD });
      const { exp } = claimsOf(login.body.tokens.access_token) as { exp: number };
      const [{ ends }] = await server.dataSource.query(
        'SELECT extract(epoch FROM expires_at)::float AS ends FROM authfort_sessions WHERE id = $1',
        [login.body.user.session_id],
      );
      expect(exp).toBeLessThanOrEqual(ends);
      expect(login.body.tokens.expires_in).toBe(lifeOf(login.body.tokens.access_token));
      const { tokens } = await short.authfort.login(user.email, PASSWORD);
      expect(tokens.expiresIn).toBe(lifeOf(tokens.accessToken));
    });
  });

  it('removes what has expired, and only that', async () => {
    const live = await server.signUp();
    const before = await server.authfort.cleanup();
    expect(before.sessions + before.refreshTokens).toBeGreaterThan(0);
    expect((await refresh(live.refreshToken)).status).toBe(200);
    expect(await server.authfort.cleanup()).toMatchObject({ refreshTokens: 0, sessions: 0 });
  });
});
