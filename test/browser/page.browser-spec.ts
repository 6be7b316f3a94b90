import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { PASSWORD } from '../../libs/authfort/test/harness.js';
import { lowContrast, unnamedControls } from './page-checks.js';
import { APP, AUTH, LIFETIME, setStage, type Stage } from './stage.js';

const IMAGES = resolve(import.meta.dirname, '../../docs/images');

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.close());

async function open(device: BrowserContext, url = APP): Promise<{ page: Page; complaints: string[] }> {
  const page = await device.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  await page.goto(url);
  return { page, complaints };
}
async function signIn(page: Page, email: string, button: 'Sign in' | 'Sign up'): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: button }).click();
  await page.getByText(`Welcome, ${email}.`).waitFor();
}
/** The link in the newest mail to the address. */
async function linkFor(email: string): Promise<string> {
  return /https:\S+/.exec(await stage.auth.mailTo(email))![0];
}
/** Presses a button of the sign-in card that asks for a mail. */
async function ask(page: Page, email: string, name: string): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('button', { name }).click();
  await page.getByText('is on its way').waitFor();
}
const message = (page: Page) => page.getByRole('status').textContent();

describe('the demo page', () => {
  it('goes from sign-up to a refused delete, and out again', async () => {
    const device = await stage.newDevice();
    const { page, complaints } = await open(device);
    await signIn(page, 'ada@example.com', 'Sign up');
    await page.getByRole('heading', { name: 'Who am I' }).waitFor();
    expect(await page.locator('#roles').textContent()).toBe('none');
    expect(await page.locator('#life-text').textContent()).toMatch(/^ends in 1[45]:\d\d$/);

    await page.getByLabel('Item').fill('A <b>bold</b> choice');
    await page.getByRole('button', { name: 'Order', exact: true }).click();
    await page.getByText('1 × A <b>bold</b> choice').waitFor();
    await page.getByRole('button', { name: 'Delete Espresso beans, 1 kg' }).click();
    await page.getByText('403 insufficient_role').waitFor();
    await page.getByRole('button', { name: 'Refund Espresso beans, 1 kg' }).click();
    await page.getByText('(refunded)').waitFor();
    await page.getByRole('button', { name: 'Mark as read' }).first().click();
    await page.waitForFunction(() => document.querySelector('#unread-count')?.textContent === '1');

    stage.auth.clock.advance(LIFETIME);
    await page.getByRole('button', { name: 'Ask again' }).click();
    await page.getByText('The auth server says: ada@example.com.').waitFor();
    const log = await page.locator('#activity-rows').textContent();
    for (const line of ['/auth/signup', '/auth/refresh', '403DELETE', '/api/unread'])
      expect(log).toContain(line);

    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await message(page)).toBe('Signed out on every device.');
    await signIn(page, 'ada@example.com', 'Sign in');
    expect(complaints).toEqual([]);
    await device.close();
  });
  it('lets an administrator delete', async () => {
    const admin = await stage.auth.signUp('admin@example.com');
    await stage.auth.authfort.addRole(admin.id, 'admin');
    const device = await stage.newDevice();
    const { page } = await open(device);
    await signIn(page, 'admin@example.com', 'Sign in');
    expect(await page.locator('#roles').textContent()).toBe('admin');
    await page.getByRole('button', { name: 'Delete Paper filters' }).click();
    await page.getByText('Deleted.').waitFor();
    await page.getByText('Paper filters').waitFor({ state: 'detached' });
    await device.close();
  });
  it('tells what is wrong, in words and with the code', async () => {
    const device = await stage.newDevice();
    const { page, complaints } = await open(device);
    await page.getByLabel('E-mail').fill('nobody@example.com');
    await page.getByLabel('Password').fill('wrong password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('(invalid_credentials)').waitFor();
    expect(complaints).toEqual([]);
    await device.close();
  });
  it('can be used with the keyboard alone', async () => {
    const device = await stage.newDevice();
    const { page } = await open(device);
    await page.getByLabel('E-mail').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.type('keys@example.com');
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Welcome, keys@example.com.').waitFor();
    await device.close();
  });
  it('names every control, and has no element wider than a phone', async () => {
    const device = await stage.newDevice({ viewport: { width: 360, height: 740 } });
    const { page } = await open(device);
    await signIn(page, 'phone@example.com', 'Sign up');
    await page.getByRole('button', { name: 'Delete Paper filters' }).waitFor();
    expect(await page.evaluate(unnamedControls)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await device.close();
  });
  it.each(['light', 'dark'] as const)(
    'has enough contrast in the %s theme (WCAG 2.2, 1.4.3)',
    async (theme) => {
      const device = await stage.newDevice({ colorScheme: theme, viewport: { width: 1000, height: 900 } });
      const { page } = await open(device);
      await signIn(page, `${theme}@example.com`, 'Sign up');
      await page.getByRole('button', { name: 'Delete Paper filters' }).click();
      await page.getByText('403 insufficient_role').waitFor();
      expect(await page.evaluate(lowContrast)).toEqual([]);
      if (process.env.SCREENSHOTS) {
        mkdirSync(IMAGES, { recursive: true });
        await page.screenshot({ path: join(IMAGES, `demo-${theme}.png`), fullPage: true });
      }
      await device.close();
    },
  );
});

describe('the links in mails', () => {
  let device: BrowserContext;
  beforeEach(async () => {
    device = await stage.newDevice();
  });
  afterEach(() => device.close());

  it('confirm an address, after a click, and their token stays nowhere', async () => {
    const { page, complaints } = await open(device);
    await signIn(page, 'links@example.com', 'Sign up');
    expect(await page.locator('#confirmed').textContent()).toMatch(/^not yet/);
    await page.getByRole('button', { name: 'Mail the link again' }).click();
    await page.getByText('is on its way').waitFor();

    const link = await linkFor('links@example.com');
    expect(link).toContain(`${APP}/verify-email?token=`);
    stage.edge.forget();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url(), request.headers().referer ?? ''));
    await page.goto(link);
    await page.getByRole('heading', { name: 'Confirm your address' }).waitFor();
    expect(page.url()).toBe(`${APP}/`);
    expect(stage.edge.count('POST', '/auth/verify-email')).toBe(0);
    await page.getByRole('button', { name: 'Confirm address' }).click();
    await page.getByText('The address is confirmed.').waitFor();
    expect(await page.locator('#confirmed').textContent()).toBe('yes');
    expect(asked.filter((text) => text.includes('token='))).toEqual([link]);
    expect(await page.evaluate(() => document.body.innerHTML)).not.toContain(link.split('=')[1]!);

    await page.goto(link);
    await page.getByRole('button', { name: 'Confirm address' }).click();
    await page.getByText('(invalid_verification_token)').waitFor();
    await page.getByRole('button', { name: 'Not now' }).click();
    expect(complaints).toEqual([]);
  });
  it('replace a forgotten password', async () => {
    const { page, complaints } = await open(device);
    await ask(page, 'links@example.com', 'Forgot password?');
    await page.goto(await linkFor('links@example.com'));
    await page.getByRole('textbox', { name: 'New password' }).fill('short');
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'New password' }).fill('a password of after');
    await page.keyboard.press('Enter');
    await page.getByText('The password is set').waitFor();
    // The keyboard is where it goes on.
    await page.keyboard.type('links@example.com');
    await page.getByLabel('Password').fill('a password of after');
    await page.keyboard.press('Enter');
    await page.getByText('Welcome, links@example.com.').waitFor();
    expect(complaints).toEqual([]);
  });
  it('move an account to its new address', async () => {
    const { page, complaints } = await open(device);
    await signIn(page, 'old@example.com', 'Sign up');
    const asked = await page.evaluate(
      async ([url, password]) => {
        const headers = { 'content-type': 'application/json' };
        const body = JSON.stringify({ email: 'new@example.com', password });
        return (await fetch(url!, { method: 'POST', credentials: 'include', headers, body })).status;
      },
      [`${AUTH}/email-change`, PASSWORD],
    );
    expect(asked).toBe(200);
    await page.goto(await linkFor('new@example.com'));
    await page.getByRole('button', { name: 'Confirm address' }).click();
    await page.locator('#email', { hasText: 'new@example.com' }).waitFor();
    expect(complaints).toEqual([]);
  });
  it('sign in after a click, with no password', async () => {
    const { page, complaints } = await open(device);
    await ask(page, 'links@example.com', 'Mail me a link');
    stage.edge.forget();
    await page.goto(await linkFor('links@example.com'));
    await page.getByText('This link signs you in, once.').waitFor();
    expect(stage.edge.count('POST', '/auth/magic-link/verify')).toBe(0);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Welcome, links@example.com.').waitFor();
    await page.getByRole('heading', { name: 'Who am I' }).waitFor();
    expect(complaints).toEqual([]);
  });
  it('are not needed with a code, which the keyboard is ready for', async () => {
    const { page, complaints } = await open(device);
    await ask(page, 'links@example.com', 'Mail me a code');
    const code = /\d{6}/.exec(await stage.auth.mailTo('links@example.com'))![0];
    await page.keyboard.type(code);
    await page.keyboard.press('Enter');
    await page.getByText('Welcome, links@example.com.').waitFor();
    expect(complaints).toEqual([]);
  });
  it.each(['light', 'dark'] as const)(
    'lead to a page that can be read and fits a phone (%s)',
    async (theme) => {
      const phone = await stage.newDevice({ colorScheme: theme, viewport: { width: 360, height: 740 } });
      const { page } = await open(phone);
      await ask(page, 'somebody.with.a.long.address@example.com', 'Mail me a code');
      for (const url of [APP, ...['reset-password', 'magic-link'].map((path) => `${APP}/${path}?token=x`)]) {
        if (url !== APP) await page.goto(url);
        if (url !== APP) await page.getByRole('button', { name: 'Not now' }).waitFor();
        expect(await page.evaluate(lowContrast)).toEqual([]);
        expect(await page.evaluate(unnamedControls)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
        if (process.env.SCREENSHOT_DIR)
          await page.screenshot({ path: join(process.env.SCREENSHOT_DIR, `${theme}-${url.length}.png`) });
      }
      await phone.close();
    },
  );
});
