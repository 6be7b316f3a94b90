import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, adapters, PASSWORD, startServer, type TestServer } from '../harness.js';

const MARK = '__Host-refresh_token-session';
// Browsers send this with every request to a secure origin; no page can take it away.
const BROWSER = { 'sec-fetch-site': 'same-origin' };
/** As a browser would hold it from the Python AuthFort: 64 random bytes, with Path=/. */
const python = () => randomBytes(64).toString('base64url');
const stranger = () => randomBytes(32).toString('base64url');

/** The cookies that an answer ends: `name path domain`. */
const ended = ({ setCookies }: Pick<Answer, 'setCookies'>) =>
  setCookies
    .filter((line) => /^[^=]+=;.*Max-Age=0/.test(line))
    .map((line) => {
      const path = /Path=([^;]+)/.exec(line)?.[1];
      const domain = /Domain=([^;]+)/.exec(line)?.[1] ?? '-';
      return `${line.split('=')[0]} ${path} ${domain}`;
    });

/** The host of these requests is an address; test/e2e/changed-cookie-options has one with parent domains. */
describe.each(adapters)(
  'attack: cookies of older paths, domains and installations, and planted ones, on %s',
  (adapter) => {
    let server: TestServer;
    let bare: TestServer;
    const others: TestServer[] = [];
    beforeAll(async () => {
      server = await startServer({
        adapter,
        options: { cookie: { domain: '.example.com' }, routePrefix: 'auth', corsOrigins: [] },
      });
      bare = await startServer({
        adapter,
        replicaOf: server,
        options: { cookie: { secure: false }, routePrefix: 'v2/auth' },
      });
    });
    afterAll(async () => {
      for (const other of [...others, bare]) await other.close();
      await server.close();
    });

    async function signUp(at = server, prefix = '/auth') {
      const email = `c${Math.random()}@example.com`;
      const answer = await at.post(`${prefix}/signup`, { email, password: PASSWORD });
      const { access_token: access, refresh_token: refresh } = answer.cookies as Record<string, string>;
      return {
        email,
        answer,
        access: access!,
        refresh: refresh!,
        sid: answer.body.user.session_id as string,
      };
    }
    const live = async (access: string) =>
      (await server.request('/auth/me', { bearer: access })).status === 200;
    const inBrowser = (path: string, cookie: string) =>
      server.post(path, undefined, { cookie, headers: BROWSER });

    it.each([
      ['before', (own: string) => [python(), own]],
      ['behind', (own: string) => [own, python()]],
      ['among the tokens of strangers', (own: string) => [stranger(), stranger(), own, python(), stranger()]],
    ])(
      'refreshes with the value of the session mark, %s others, and ends the old forms',
      async (_, order) => {
        const own = await signUp();
        const jar = order(own.refresh).map((value) => `refresh_token=${value}`);
        const answer = await inBrowser('/auth/refresh', [...jar, `${MARK}=${own.sid}`].join('; '));
        expect([answer.status, answer.body.user?.session_id]).toEqual([200, own.sid]);
        expect(answer.cookies.refresh_token).toBe(answer.body.tokens.refresh_token);
        expect(ended(answer)).toEqual(
          expect.arrayContaining([
            'refresh_token / -',
            'refresh_token / .example.com',
            'refresh_token /auth .example.com',
          ]),
        );
        expect(ended(answer)).not.toContain('refresh_token /auth -');
      },
    );

    it('prefers the mark to the tokens of live sessions of others, which it leaves unspent', async () => {
      const [own, attacker] = [await signUp(), await signUp()];
      const answer = await inBrowser(
        '/auth/refresh',
        `refresh_token=${attacker.refresh}; refresh_token=${own.refresh}; access_token=${attacker.access}; ${MARK}=${own.sid}`,
      );
      expect(answer.body.user.session_id).toBe(own.sid);
      expect((await server.post('/auth/refresh', { refresh_token: attacker.refresh })).status).toBe(200);
    });

    it('takes the newest of two values of one session', async () => {
      const own = await signUp();
      const newest = (await server.post('/auth/refresh', { refresh_token: own.refresh })).body.tokens
        .refresh_token;
      server.clock.advance(60);
      const answer = await inBrowser(
        '/auth/refresh',
        `refresh_token=${own.refresh}; refresh_token=${newest}; ${MARK}=${own.sid}`,
      );
      expect(answer.status).toBe(200);
    });

    it('adopts none of several when none is of the session of the mark, or there is no mark', async () => {
      const [own, one, two] = [await signUp(), await signUp(), await signUp()];
      const planted = `refresh_token=${one.refresh}; refresh_token=${two.refresh}`;
      for (const cookie of [
        `${planted}; ${MARK}=${own.sid}`,
        planted,
        `${planted}; access_token=${one.access}`,
        `refresh_token=${one.refresh}; refresh_token=${python()}`,
        `refresh_token=${one.refresh}; refresh_token=${python()}; access_token=${one.access}`,
      ]) {
        const answer = await inBrowser('/auth/refresh', cookie);
        expect([cookie, answer.status, answer.setCookies]).toEqual([cookie, 401, []]);
        expect(answer.body.error).toMatch(/^refresh_token_(invalid|mismatch)$/);
      }
    });

    it('selects by the access token where there are no marks, or only one value is of a live session', async () => {
      const [own, other] = [await signUp(bare, '/v2/auth'), await signUp(bare, '/v2/auth')];
      const refresh = (cookie: string) => bare.post('/v2/auth/refresh', undefined, { cookie });
      const both = `refresh_token=${other.refresh}; refresh_token=${own.refresh}`;
      expect((await refresh(both)).body.error).toBe('refresh_token_invalid');
      expect(
        (await refresh(`${both}; access_token=${own.access}; access_token=${other.access}`)).status,
      ).toBe(401);
      const selected = await refresh(`${both}; access_token=${own.access}`);
      expect(selected.body.user.session_id).toBe(own.sid);
      const leftover = `refresh_token=${python()}; refresh_token=${stranger()}`;
      const alone = await refresh(`${leftover}; refresh_token=${selected.body.tokens.refresh_token}`);
      expect(alone.body.user.session_id).toBe(own.sid);
      expect(ended(alone)).toEqual(expect.arrayContaining(['refresh_token / -', 'refresh_token /auth -']));
    });

    it.each([0, 2, 4])(
      'signs out of the own session with four planted cookies, %d of them before it',
      async (at) => {
        const own = await signUp();
        const planted = await Promise.all(Array.from({ length: 4 }, () => signUp()));
        const values = planted.map(({ refresh }) => refresh);
        values.splice(at, 0, own.refresh);
        const jar = values.map((value) => `refresh_token=${value}`).join('; ');
        const answer = await inBrowser('/auth/logout', `${jar}; ${MARK}=${own.sid}`);
        expect(answer.status).toBe(204);
        expect(await live(own.access)).toBe(false);
        for (const { access } of planted) expect(await live(access)).toBe(true);
        expect(ended(answer)).toEqual(
          expect.arrayContaining([
            'refresh_token /auth -',
            'refresh_token / -',
            'refresh_token / .example.com',
            `${MARK} / -`,
          ]),
        );
      },
    );

    it('signs out of the own session with garbage in front of it, and without a mark', async () => {
      const own = await signUp();
      const jar = [python(), 'x', stranger(), stranger(), own.refresh].map(
        (value) => `refresh_token=${value}`,
      );
      expect((await server.post('/auth/logout', undefined, { cookie: jar.join('; ') })).status).toBe(204);
      expect(await live(own.access)).toBe(false);
    });

    it('looks at twenty values at most', async () => {
      const own = await signUp();
      const jar = (count: number) =>
        [...Array.from({ length: count }, stranger), own.refresh].map((value) => `refresh_token=${value}`);
      const over = await inBrowser('/auth/refresh', [...jar(20), `${MARK}=${own.sid}`].join('; '));
      expect(over.body.error).toBe('refresh_token_invalid');
      expect((await inBrowser('/auth/refresh', [...jar(19), `${MARK}=${own.sid}`].join('; '))).status).toBe(
        200,
      );
    });

    it('verifies four access cookies at most when it signs out', async () => {
      const own = await signUp();
      const signOut = (count: number) => {
        const others = Array.from({ length: count }, (_, n) => `access_token=other${n}`);
        return inBrowser('/auth/logout', [...others, `access_token=${own.access}`].join('; '));
      };
      expect([(await signOut(4)).status, await live(own.access)]).toEqual([204, true]);
      expect([(await signOut(3)).status, await live(own.access)]).toEqual([204, false]);
    });

    describe('the access cookie, after COOKIE_DOMAIN was set or removed', () => {
      it('is ended in its other form where two come, at a refresh and a logout', async () => {
        const own = await signUp();
        const cookie = `access_token=${own.access}; access_token=older; refresh_token=${own.refresh}; ${MARK}=${own.sid}`;
        const me = await server.request('/auth/me', { cookie });
        expect([me.status, me.body.error]).toEqual([401, 'token_invalid']);
        const refreshed = await inBrowser('/auth/refresh', cookie);
        expect(refreshed.status).toBe(200);
        expect(ended(refreshed)).toEqual(['access_token / -']);
        expect(refreshed.cookies.access_token).toBe(refreshed.body.tokens.access_token);
        expect(ended(await inBrowser('/auth/logout', cookie))).toEqual(
          expect.arrayContaining(['access_token / -', 'access_token / .example.com']),
        );
        expect(await live(own.access)).toBe(false);
      });

      it('is ended in its other form at a sign-in, and at a refresh by a server that has only just started', async () => {
        const own = await signUp();
        const jar = `access_token=${own.access}; refresh_token=${own.refresh}`;
        const login = await server.post(
          '/auth/login',
          { email: own.email, password: PASSWORD },
          { cookie: jar },
        );
        expect(ended(login)).toEqual(expect.arrayContaining(['access_token / -', 'refresh_token / -']));
        expect([login.cookies.access_token, login.cookies.refresh_token]).toEqual([
          login.body.tokens.access_token,
          login.body.tokens.refresh_token,
        ]);
        const young = await startServer({
          adapter,
          replicaOf: server,
          options: { cookie: { domain: '.example.com' } },
        });
        others.push(young);
        const refresh = (token: string) =>
          young.post('/auth/refresh', undefined, {
            cookie: `access_token=${own.access}; refresh_token=${token}`,
          });
        const first = await refresh(own.refresh);
        expect(ended(first)).toEqual(['access_token / -']);
        young.clock.advance(3601);
        const later = await refresh(first.body.tokens.refresh_token);
        expect([later.status, ended(later)]).toEqual([200, []]);
      });
    });

    describe('a browser whose session was imported, and that has no mark', () => {
      const imported = async () => {
        const own = await signUp();
        await server.dataSource.query('UPDATE authfort_sessions SET mark_pending = true WHERE id = $1', [
          own.sid,
        ]);
        return own;
      };

      it('receives one at its first refresh, also when the answer was lost, and needs it from then on', async () => {
        const own = await imported();
        const first = await inBrowser('/auth/refresh', `refresh_token=${own.refresh}`);
        expect([first.status, first.cookies[MARK]]).toEqual([200, own.sid]);
        const repeat = await inBrowser('/auth/refresh', `refresh_token=${own.refresh}`);
        expect([repeat.status, repeat.cookies[MARK]]).toEqual([200, own.sid]);
        const next = `refresh_token=${first.cookies.refresh_token}`;
        expect((await inBrowser('/auth/refresh', next)).body.error).toBe('refresh_token_mismatch');
        expect((await inBrowser('/auth/refresh', `${next}; ${MARK}=${own.sid}`)).status).toBe(200);
      });
      it('does not adopt it together with the cookies of another session', async () => {
        const [own, planted] = [await signUp(), await imported()];
        for (const other of [`${MARK}=${own.sid}`, `access_token=${own.access}`]) {
          const answer = await inBrowser('/auth/refresh', `refresh_token=${planted.refresh}; ${other}`);
          expect([answer.status, answer.body.error]).toEqual([401, 'refresh_token_mismatch']);
        }
      });
    });

    it('adds nothing to the answers of a browser that has one cookie of each name', async () => {
      const own = await signUp();
      server.clock.advance(3601);
      const cookie = `access_token=${own.access}; refresh_token=${own.refresh}; ${MARK}=${own.sid}`;
      expect((await inBrowser('/auth/refresh', cookie)).setCookies).toHaveLength(3);
      expect(
        (await server.post('/auth/login', { email: own.email, password: PASSWORD })).setCookies,
      ).toHaveLength(3);
      expect((await server.post('/auth/logout')).setCookies).toHaveLength(3);
    });
  },
);
