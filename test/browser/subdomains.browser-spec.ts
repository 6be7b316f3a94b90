import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { PASSWORD } from '../../libs/authfort/test/harness.js';
import {
  APP,
  AUTH,
  FOREIGN,
  NOTIFICATIONS,
  openTab,
  ORDERS,
  setStage,
  SIBLING,
  type Stage,
} from './stage.js';

const MARK = '__Host-refresh_token-session';

let stage: Stage;
let device: BrowserContext;
let app: Page;
let number = 0;
beforeAll(async () => {
  stage = await setStage();
});
beforeEach(async () => {
  await device?.close();
  device = await stage.newDevice();
  app = await openTab(device, 'cookie');
  await app.evaluate(([email, password]) => window.auth.signUp({ email, password }), [
    `subdomain-${(number += 1)}@example.com`,
    PASSWORD,
  ] as const);
  stage.edge.forget();
});
afterAll(async () => {
  await device?.close();
  await stage?.close();
});

const hostOf = (url: string) => new URL(url).host;
const names = (cookie: string) => cookie.split('; ').map((pair) => pair.split('=')[0]);
const stillSignedIn = async () => {
  stage.edge.forget();
  const status = await app.evaluate(async (url) => (await window.auth.fetch(url)).status, `${AUTH}/me`);
  // A refresh would hide that something had happened.
  return status === 200 && stage.edge.count('POST', '/auth/refresh') === 0;
};

describe('one sign-in for all subdomains', () => {
  it('sends the access cookie to every service, and the refresh cookie and its mark to none', async () => {
    for (const url of [`${ORDERS}/api/orders`, `${NOTIFICATIONS}/api/unread`, `${AUTH}/me`])
      expect(await app.evaluate(async (to) => (await window.auth.fetch(to)).status, url)).toBe(200);
    const sent = new Map(
      stage.edge.passed.filter(({ method }) => method === 'GET').map((one) => [one.host, names(one.cookie)]),
    );
    expect(sent.get(hostOf(ORDERS))).toEqual(['access_token']);
    expect(sent.get(hostOf(NOTIFICATIONS))).toEqual(['access_token']);
    // The host that set it, and the path that it is for.
    expect(sent.get(hostOf(AUTH))!.sort()).toEqual([MARK, 'access_token', 'refresh_token'].sort());
  });
  it('keeps all cookies from scripts, and asks for TLS', async () => {
    const cookies = await device.cookies([AUTH, ORDERS]);
    expect(cookies.map(({ name }) => name).sort()).toEqual([MARK, 'access_token', 'refresh_token'].sort());
    for (const { httpOnly, secure, sameSite } of cookies)
      expect({ httpOnly, secure, sameSite }).toEqual({ httpOnly: true, secure: true, sameSite: 'Lax' });
    expect(await app.evaluate(() => document.cookie)).toBe('');
  });
  it('signs out everywhere at the auth server, and takes the cookies back', async () => {
    await app.evaluate(() => window.auth.signOut());
    expect(await device.cookies([AUTH, ORDERS])).toEqual([]);
    expect(
      await app.evaluate(
        async (to) => (await fetch(to, { credentials: 'include' })).status,
        `${ORDERS}/api/orders`,
      ),
    ).toBe(401);
  });
});

interface Attempt {
  method: string;
  body?: string;
  headers?: Record<string, string>;
}

/** What a page that is not ours tries with the cookies of our user: with `fetch`, as a form, as a simple request. */
const ATTEMPTS: [what: string, url: string, init: Attempt][] = [
  ['log the user out', `${AUTH}/logout`, { method: 'POST' }],
  ['refresh', `${AUTH}/refresh`, { method: 'POST' }],
  ['end all sessions', `${AUTH}/sessions`, { method: 'DELETE' }],
  ['place an order', `${ORDERS}/api/orders`, { method: 'POST', body: '{"item":"evil"}' }],
  [
    'place an order in JSON',
    `${ORDERS}/api/orders`,
    { method: 'POST', body: '{"item":"evil"}', headers: { 'content-type': 'application/json' } },
  ],
];

describe.each([
  ['a sibling subdomain', SIBLING],
  ['a foreign site', FOREIGN],
])('attack: a page of %s', (_, origin) => {
  let page: Page;
  beforeEach(async () => {
    page = await device.newPage();
    await page.goto(origin);
    stage.edge.forget();
  });

  it.each(ATTEMPTS)('cannot %s', async (_what, url, init) => {
    const read = await page.evaluate(
      async ([to, how]) => {
        const answers = await Promise.allSettled([
          fetch(to, { ...how, credentials: 'include' }),
          fetch(to, { ...how, credentials: 'include', mode: 'no-cors' }),
        ]);
        return answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.status : 'refused'));
      },
      [url, init] as const,
    );
    // Nothing can be read, and whatever reached a server was turned away there.
    for (const status of read) expect([0, 'refused']).toContain(status);
    const served = stage.edge.passed.filter(({ method }) => method === init.method);
    for (const { status } of served) expect([401, 403, 404]).toContain(status);
    expect(await stillSignedIn()).toBe(true);
    const orders = await app.evaluate(
      async (to) => JSON.stringify(await (await window.auth.fetch(to)).json()),
      `${ORDERS}/api/orders`,
    );
    expect(orders).not.toContain('evil');
  });
  it.each(['logout', 'refresh'])('cannot submit a form to %s', async (route) => {
    const answer = page.waitForResponse((response) => response.url() === `${AUTH}/${route}`);
    await page.evaluate((action) => {
      const form = Object.assign(document.createElement('form'), { method: 'post', action });
      document.body.append(form);
      form.submit();
    }, `${AUTH}/${route}`);
    expect((await answer).status()).toBe(403);
    expect(await stillSignedIn()).toBe(true);
  });
  it('cannot read who is signed in', async () => {
    const read = await page.evaluate(
      (url) =>
        fetch(url, { credentials: 'include' }).then(
          ({ status }) => status,
          () => 'refused',
        ),
      `${AUTH}/me`,
    );
    expect(read).toBe('refused');
  });
});

describe('attack: a sibling subdomain plants cookies', () => {
  it('cannot make a signed-out browser adopt the attacker’s session', async () => {
    const attacker = await stage.auth.signUp();
    await app.evaluate(() => window.auth.signOut());
    const page = await device.newPage();
    await page.goto(SIBLING);
    await page.evaluate((token) => {
      document.cookie = `refresh_token=${token}; domain=.shop.test; path=/auth; secure`;
      document.cookie = `__Host-refresh_token-session=x; domain=.shop.test; path=/; secure`;
    }, attacker.refreshToken);
    const fresh = await openTab(device, 'cookie');
    await fresh.evaluate(() => window.auth.initialize());
    expect(await fresh.evaluate(() => window.auth.getSnapshot().state)).toBe('unauthenticated');
    expect(stage.edge.passed.at(-1)).toMatchObject({ path: '/auth/refresh', status: 401 });
    expect(names(stage.edge.passed.at(-1)!.cookie)).toEqual(['refresh_token']);
  });
});

describe('a sign-in window of a provider', () => {
  // The provider's routes are not there yet: this page stands for the one that the auth server's callback will answer with.
  const answerInWindow = (body: string) =>
    device.route(`${AUTH}/oauth/fake/authorize**`, (route) =>
      route.fulfill({ contentType: 'text/html', body: `<!doctype html><script>${body}</script>` }),
    );
  const wire = (email: string) => ({
    user: { id: '1', email, roles: [], created_at: '2026-01-01T00:00:00Z' },
    tokens: { access_token: 'a', refresh_token: 'r', expires_in: 900 },
  });

  it('signs in with what the auth server’s page posts, and with nothing that another page posts', async () => {
    await answerInWindow(`opener.postMessage(${JSON.stringify(wire('ours@example.com'))}, '${APP}')`);
    const evil = await device.newPage();
    await evil.goto(FOREIGN);
    const user = await app.evaluate(async (message) => {
      const signedIn = window.auth.signInWithProvider('fake', { mode: 'popup' });
      // From this window itself: the right shape from the wrong place.
      window.postMessage(message, '*');
      return signedIn;
    }, wire('evil@example.com'));
    expect(user).toMatchObject({ email: 'ours@example.com' });
  });
  it('tells that it was closed, or what went wrong in it', async () => {
    await answerInWindow(`opener.postMessage({ error: 'oauth_no_email', message: 'No e-mail' }, '${APP}')`);
    const codeOf = () =>
      app.evaluate(() =>
        window.auth.signInWithProvider('fake', { mode: 'popup' }).then(
          () => 'signed in',
          ({ code }: { code: string }) => code,
        ),
      );
    expect(await codeOf()).toBe('oauth_no_email');
    await device.unroute(`${AUTH}/oauth/fake/authorize**`);
    await answerInWindow('close()');
    expect(await codeOf()).toBe('popup_closed');
  });
  it('waits for the second factor when the address brings its token, and takes it out of the address', async () => {
    await app.goto(`${APP}/empty?q=a%20b#/inbox/1&mfa_token=secret`);
    const state = await app.evaluate(async (baseUrl) => {
      const auth = window.authfort.createAuthClient({ baseUrl });
      await auth.initialize();
      return auth.getSnapshot().state;
    }, AUTH);
    expect([state, app.url()]).toEqual(['mfa_pending', `${APP}/empty?q=a%20b#/inbox/1`]);
  });
});
