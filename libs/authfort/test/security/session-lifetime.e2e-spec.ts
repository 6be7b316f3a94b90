import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startServer, type TestServer } from '../harness.js';

const DAY = 86_400;

/** ASVS 7.3: a session ends when it has been idle too long, and at the latest after its absolute lifetime. */
describe('attack: sessions that live for ever', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());
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

  it('removes what has expired, and only that', async () => {
    const live = await server.signUp();
    const before = await server.authfort.cleanup();
    expect(before.sessions + before.refreshTokens).toBeGreaterThan(0);
    expect((await refresh(live.refreshToken)).status).toBe(200);
    expect(await server.authfort.cleanup()).toMatchObject({ refreshTokens: 0, sessions: 0 });
  });
});
