import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { PASSWORD } from '../../libs/authfort/test/harness.js';
import { APP, LIFETIME, openTab, ORDERS, setStage, type Stage } from './stage.js';

const TABS = 10;
const EXPIRIES = 20;

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.close());

const stateOf = (page: Page) => page.evaluate(() => window.auth.getSnapshot().state);
const until = (page: Page, state: string) =>
  page.waitForFunction((wanted) => window.auth.getSnapshot().state === wanted, state);
const askOrders = (page: Page) =>
  page.evaluate(async (url) => (await window.auth.fetch(url)).status, `${ORDERS}/api/orders`);
let number = 0;
const signUp = (page: Page) =>
  page.evaluate(([email, password]) => window.auth.signUp({ email, password }), [
    `browser-${(number += 1)}@example.com`,
    PASSWORD,
  ] as const);

describe.each(['cookie', 'bearer'] as const)('ten tabs in %s mode', (mode) => {
  let device: BrowserContext;
  let tabs: Page[];
  beforeAll(async () => {
    device = await stage.newDevice();
    tabs = await Promise.all(Array.from({ length: TABS }, () => openTab(device, mode)));
    await signUp(tabs[0]!);
    await Promise.all(tabs.map((tab) => until(tab, 'authenticated')));
  });
  afterAll(() => device?.close());

  it(`wake ${EXPIRIES} times with an access token that has ended: ${EXPIRIES} refreshes, nobody signed out`, async () => {
    stage.edge.forget();
    for (let expiry = 1; expiry <= EXPIRIES; expiry += 1) {
      stage.auth.clock.advance(LIFETIME);
      const statuses = await Promise.all(tabs.map(askOrders));
      expect(statuses).toEqual(Array(TABS).fill(200));
      expect(stage.edge.count('POST', '/auth/refresh')).toBe(expiry);
    }
    for (const tab of tabs) {
      expect(await tab.evaluate(() => window.states)).toEqual(['loading', 'authenticated']);
    }
  });
  it('are signed out together', async () => {
    await tabs[3]!.evaluate(() => window.auth.signOut());
    await Promise.all(tabs.map((tab) => until(tab, 'unauthenticated')));
    expect(await askOrders(tabs[5]!)).toBe(401);
  });
});

describe.each(['cookie', 'bearer'] as const)('one tab in %s mode', (mode) => {
  let device: BrowserContext;
  let tab: Page;
  beforeAll(async () => {
    device = await stage.newDevice();
    tab = await openTab(device, mode);
    await signUp(tab);
  });
  afterAll(() => device?.close());

  it('survives a reload', async () => {
    await tab.close();
    tab = await openTab(device, mode);
    await tab.evaluate(() => window.auth.initialize());
    expect(await stateOf(tab)).toBe('authenticated');
    expect(await askOrders(tab)).toBe(200);
  });
  it('loses nobody though one in ten answers to a refresh is lost: 200 refreshes', async () => {
    stage.edge.forget();
    let refreshes = 0;
    let lost = 0;
    stage.edge.loses = ({ path }) => {
      if (path !== '/auth/refresh') return false;
      refreshes += 1;
      if (refreshes % 10 !== 0) return false;
      lost += 1;
      return true;
    };
    while (refreshes - lost < 200) {
      stage.auth.clock.advance(LIFETIME);
      expect(await askOrders(tab)).toBe(200);
    }
    stage.edge.loses = () => false;
    expect(lost).toBeGreaterThanOrEqual(20);
    expect(await tab.evaluate(() => window.states)).toEqual(['loading', 'authenticated']);
  });
  it('stays signed in without a network, and goes on when it is there again', async () => {
    await device.setOffline(true);
    stage.auth.clock.advance(LIFETIME);
    expect(await askOrders(tab).catch(() => 'no answer')).toBe('no answer');
    expect(await stateOf(tab)).toBe('authenticated');
    await device.setOffline(false);
    expect(await askOrders(tab)).toBe(200);
  });
});

it('finds the session by itself when the page was loaded without a network', async () => {
  const device = await stage.newDevice();
  const first = await openTab(device, 'cookie');
  await signUp(first);
  const tab = await openTab(device, 'cookie');
  await device.setOffline(true);
  // It would go on trying for a while; the page need not wait for it.
  await tab.evaluate(() => void window.auth.initialize().catch(() => undefined));
  expect(await stateOf(tab)).toBe('loading');
  await device.setOffline(false);
  await until(tab, 'authenticated');
  expect(new URL(tab.url()).origin).toBe(APP);
  await device.close();
});

describe('what other tabs do', () => {
  let device: BrowserContext;
  let tabs: [Page, Page];
  beforeEach(async () => {
    device = await stage.newDevice();
    tabs = [await openTab(device, 'cookie'), await openTab(device, 'cookie')];
    await signUp(tabs[0]);
    await until(tabs[1], 'authenticated');
  });
  afterEach(() => device?.close());

  it('a late answer about the user does not sign anybody in again', async () => {
    stage.edge.holds = async ({ path }) => {
      if (path === '/auth/me') await tabs[1].evaluate(() => window.auth.signOut());
    };
    await tabs[0].evaluate(() => window.auth.getUser());
    stage.edge.holds = () => Promise.resolve();
    expect(await stateOf(tabs[0])).toBe('unauthenticated');
    expect(await tabs[0].evaluate(() => window.states)).toEqual([
      'loading',
      'authenticated',
      'unauthenticated',
    ]);
  });
  it('a tab that was stopped with the lock does not stop the others for long', async () => {
    const name = await tabs[0].evaluate(async () => {
      const { held } = await navigator.locks.query();
      // The mark of the tokens begins with the name of the lock that refreshes are made under.
      const lock = held![0]!.name!.split(' ').slice(0, -2).join(' ');
      void navigator.locks.request(lock, () => new Promise(() => undefined));
      return lock;
    });
    expect(name).toMatch(/^authfort:https/);
    stage.auth.clock.advance(LIFETIME);
    expect(await askOrders(tabs[1])).toBe(200);
  });
  it('a signal ends the waiting for the lock', async () => {
    await tabs[0].evaluate(async () => {
      const { held } = await navigator.locks.query();
      const lock = held![0]!.name!.split(' ').slice(0, -2).join(' ');
      void navigator.locks.request(lock, () => new Promise(() => undefined));
    });
    const code = await tabs[1].evaluate(() =>
      window.auth
        .signOut({ signal: AbortSignal.timeout(200) })
        .catch(({ code: its }: { code: string }) => its),
    );
    expect(code).toBe('aborted');
  });
});
