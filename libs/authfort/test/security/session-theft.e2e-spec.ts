import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AuthEvent } from 'authfort';
import { OnAuthEvent } from 'authfort';
import { NO_CLIENT } from '../../src/http/client-info.js';
import { RefreshService } from '../../src/sessions/refresh.service.js';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

const thefts: AuthEvent<'refresh_token_reused'>[] = [];

const refreshes: AuthEvent<'token_refreshed'>[] = [];

class Alarm {
  @OnAuthEvent('token_refreshed')
  note(event: AuthEvent<'token_refreshed'>): void {
    refreshes.push(event);
  }

  @OnAuthEvent('refresh_token_reused')
  ring(event: AuthEvent<'refresh_token_reused'>): void {
    thefts.push(event);
  }
}

/** RFC 9700 §4.14.2: a refresh token that comes back after its successor was used ends the session, for good. */
describe('attack: a stolen refresh token', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ providers: [Alarm] });
  });
  afterAll(() => server.close());

  const refresh = (token: string) => server.post('/auth/refresh', { refresh_token: token });

  async function rotatedTwice() {
    const user = await server.signUp();
    const second = (await refresh(user.refreshToken)).body.tokens;
    const third = (await refresh(second.refresh_token)).body.tokens;
    return { user, second, third };
  }

  it('kills the whole session: every refresh and access token of it, shown by asking again', async () => {
    const { user, second, third } = await rotatedTwice();
    const replay = await refresh(user.refreshToken);
    expect([replay.status, replay.body.error]).toEqual([401, 'refresh_token_revoked']);

    for (const token of [user.refreshToken, second.refresh_token, third.refresh_token]) {
      expect((await refresh(token)).body.error).toBe('refresh_token_revoked');
    }
    for (const token of [user.accessToken, second.access_token, third.access_token]) {
      expect((await server.request('/auth/me', { bearer: token })).body.error).toBe('session_revoked');
      expect((await server.introspect(token)).body).toEqual({ active: false });
    }
  });

  it('leaves the other sessions of the user alone', async () => {
    const { user } = await rotatedTwice();
    const other = (await server.post('/auth/login', { email: user.email, password: PASSWORD })).body.tokens;
    await refresh(user.refreshToken);
    expect((await server.request('/auth/me', { bearer: other.access_token })).status).toBe(200);
    expect((await refresh(other.refresh_token)).status).toBe(200);
  });

  it('announces a theft once', async () => {
    const { user } = await rotatedTwice();
    thefts.length = 0;
    await Promise.all(Array.from({ length: 10 }, () => refresh(user.refreshToken)));
    expect(thefts.map(({ userId, sessionId }) => ({ userId, sessionId }))).toEqual([
      { userId: user.id, sessionId: user.sessionId },
    ]);
  });

  it('gives a repeated request the same successor while that is unused, for 30 seconds', async () => {
    const user = await server.signUp();
    const first = await refresh(user.refreshToken);
    server.clock.advance(30);
    const repeat = await refresh(user.refreshToken);
    expect(repeat.status).toBe(200);
    expect(repeat.body.tokens.refresh_token).toBe(first.body.tokens.refresh_token);
    server.clock.advance(1);
    expect((await refresh(user.refreshToken)).body.error).toBe('refresh_token_revoked');
    expect((await refresh(first.body.tokens.refresh_token)).body.error).toBe('refresh_token_revoked');
  });

  it('announces a repeat as one, with the address that it came from', async () => {
    const user = await server.signUp();
    refreshes.length = 0;
    await refresh(user.refreshToken);
    await refresh(user.refreshToken);
    expect(refreshes.map(({ sessionId, repeated }) => [sessionId, repeated])).toEqual([
      [user.sessionId, false],
      [user.sessionId, true],
    ]);
    expect(refreshes[1]!.client.ip).toBe('127.0.0.1');
  });

  it('answers a repeat within the window although the token itself has expired meanwhile', async () => {
    const user = await server.signUp();
    server.clock.advance(30 * 86_400 - 10);
    const first = await refresh(user.refreshToken);
    server.clock.advance(20);
    await server.authfort.cleanup();
    const repeat = await refresh(user.refreshToken);
    expect(repeat.body.tokens.refresh_token).toBe(first.body.tokens.refresh_token);
  });

  it('sees the theft although the token also came beside cookies of another session', async () => {
    const { user, third } = await rotatedTwice();
    const replay = server.app.get(RefreshService).refresh(user.refreshToken, NO_CLIENT, {
      expectedSessionId: randomUUID(),
    });
    await expect(replay).rejects.toMatchObject({ code: 'refresh_token_revoked' });
    expect((await refresh(third.refresh_token)).body.error).toBe('refresh_token_revoked');
  });

  it('keeps the evidence through clean-up until the token would have expired', async () => {
    const { user, third } = await rotatedTwice();
    server.clock.advance(20 * 86_400);
    await server.authfort.cleanup();
    expect((await refresh(user.refreshToken)).body.error).toBe('refresh_token_revoked');
    expect((await refresh(third.refresh_token)).body.error).toBe('refresh_token_revoked');
  });

  it('stores no token: only SHA-256 hashes, of 256 random bits', async () => {
    const { user, third } = await rotatedTwice();
    expect(Buffer.from(user.refreshToken, 'base64url')).toHaveLength(32);
    const dump = JSON.stringify(await server.dataSource.query('SELECT * FROM authfort_refresh_tokens'));
    for (const token of [user.refreshToken, third.refresh_token]) {
      expect(dump).not.toContain(token);
      expect(dump).not.toContain(Buffer.from(token).toString('hex'));
    }
  });
});
