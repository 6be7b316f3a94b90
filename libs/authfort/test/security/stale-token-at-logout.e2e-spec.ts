import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AuthEvent } from 'authfort';
import { OnAuthEvent } from 'authfort';
import { adapters, PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

const events: string[] = [];

class Alarm {
  @OnAuthEvent('refresh_token_reused')
  ring({ name }: AuthEvent<'refresh_token_reused'>): void {
    events.push(name);
  }

  @OnAuthEvent('logout')
  note({ name }: AuthEvent<'logout'>): void {
    events.push(name);
  }
}

/** RFC 9700 §4.14.2: a spent token is evidence of a theft wherever it is presented; the owner may be the one who signs out with it. */
describe.each(adapters)(
  'attack: a stolen session whose owner signs out with a spent token, on %s',
  (adapter) => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startServer({
        adapter,
        providers: [Alarm],
        options: { cookie: {}, trustedProxies: ['127.0.0.1'] },
      });
    });
    afterAll(() => server.close());
    beforeEach(() => {
      events.length = 0;
    });

    const HOME = { 'x-forwarded-for': '203.0.113.7', 'user-agent': 'Shop/1' };
    const ELSEWHERE = { 'x-forwarded-for': '198.51.100.4', 'user-agent': 'curl/8' };
    const refresh = async (token: string, headers?: Record<string, string>) =>
      (await server.post('/auth/refresh', { refresh_token: token }, { headers })).body.tokens as {
        access_token: string;
        refresh_token: string;
      };
    const logout = (token: string, headers?: Record<string, string>) =>
      server.post('/auth/logout', { refresh_token: token }, { headers });

    /** The thief asks for a change of address, with the access token of the session. */
    async function askForAddress(user: SignedUp, bearer: string): Promise<string> {
      const email = `thief-${user.email}`;
      const asked = await server.post('/auth/email-change', { email, password: PASSWORD }, { bearer });
      expect(asked.status).toBe(200);
      return server.tokenFor(email);
    }

    async function ended(user: SignedUp): Promise<string | null> {
      const [row] = await server.dataSource.query(
        'SELECT revoked_reason AS reason FROM authfort_sessions WHERE id = $1',
        [user.sessionId],
      );
      return (row as { reason: string | null }).reason;
    }

    it.each(['body', 'cookie'])(
      'ends it as stolen, with the change of address that the thief asked for (%s)',
      async (by) => {
        const user = await server.signUp();
        const second = await refresh(user.refreshToken);
        const thief = await refresh(second.refresh_token);
        const token = await askForAddress(user, thief.access_token);
        const answer =
          by === 'body'
            ? await logout(user.refreshToken)
            : await server.post('/auth/logout', undefined, {
                cookie: `refresh_token=${user.refreshToken}; access_token=${user.accessToken}; __Host-refresh_token-session=${user.sessionId}`,
              });
        expect([answer.status, answer.cookies.refresh_token]).toEqual([204, '']);
        expect(await ended(user)).toBe('refresh_token_reuse');
        expect((await server.post('/auth/email-change/confirm', { token })).status).toBe(400);
        await logout(user.refreshToken);
        expect(events).toEqual(['refresh_token_reused']);
      },
    );

    it('ends it as stolen when the token was spent more than 30 s ago, whether or not its successor was used', async () => {
      const user = await server.signUp();
      await refresh(user.refreshToken);
      server.clock.advance(31);
      expect((await logout(user.refreshToken)).status).toBe(204);
      expect([await ended(user), events]).toEqual(['refresh_token_reuse', ['refresh_token_reused']]);
    });

    it('ends it as stolen when the token has expired since', async () => {
      const user = await server.signUp();
      const second = await refresh(user.refreshToken);
      server.clock.advance(29 * 86_400);
      await refresh(second.refresh_token);
      server.clock.advance(2 * 86_400);
      await logout(user.refreshToken);
      expect(await ended(user)).toBe('refresh_token_reuse');
    });

    it('ends it as stolen when the token is repeated from another network and another device', async () => {
      const user = await server.signUp();
      await refresh(user.refreshToken, HOME);
      expect((await logout(user.refreshToken, ELSEWHERE)).status).toBe(204);
      expect(await ended(user)).toBe('refresh_token_reuse');
    });

    it.each(['newest', 'spent a moment ago'])(
      'keeps a change of address after a logout with a token that is no theft (%s)',
      async (which) => {
        const kept = await server.signUp();
        const token = await askForAddress(kept, kept.accessToken);
        const next = which === 'newest' ? undefined : await refresh(kept.refreshToken, HOME);
        expect((await logout(kept.refreshToken, HOME)).status).toBe(204);
        expect([await ended(kept), next === undefined]).toEqual(['logout', which === 'newest']);
        expect((await server.post('/auth/email-change/confirm', { token })).status).toBe(200);
      },
    );

    it.each<[string, (user: SignedUp, bearer: string) => Promise<unknown>]>([
      [
        'ending a session by its id',
        (user, bearer) => server.request(`/auth/sessions/${user.sessionId}`, { method: 'DELETE', bearer }),
      ],
      [
        'ending all other sessions',
        (_, bearer) => server.request('/auth/sessions?keep=current', { method: 'DELETE', bearer }),
      ],
      [
        'a new password',
        (_, bearer) => {
          const change = { old_password: PASSWORD, new_password: `${PASSWORD} 2`, sessions: 'others' };
          return server.post('/auth/change-password', change, { bearer });
        },
      ],
    ])('drops a change of address with %s', async (_, end) => {
      const user = await server.signUp();
      const token = await askForAddress(user, user.accessToken);
      const login = await server.post('/auth/login', { email: user.email, password: PASSWORD });
      const { status } = (await end(user, login.body.tokens.access_token)) as { status: number };
      expect([200, 204]).toContain(status);
      const refused = await server.post('/auth/email-change/confirm', { token });
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_verification_token']);
    });

    it('signs out as ever with the newest token, and with one that was spent a moment ago', async () => {
      const [newest, repeated] = [await server.signUp(), await server.signUp()];
      await logout(newest.refreshToken);
      await refresh(repeated.refreshToken, HOME);
      await logout(repeated.refreshToken, HOME);
      expect([await ended(newest), await ended(repeated)]).toEqual(['logout', 'logout']);
      await server.authfort.logout((await server.signUp()).refreshToken);
      expect(events).toEqual(['logout', 'logout', 'logout']);
    });
  },
);
