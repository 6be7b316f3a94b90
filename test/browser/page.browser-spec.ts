import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { PASSWORD } from '../../libs/authfort/test/harness.js';
import { APP, LIFETIME, setStage, type Stage } from './stage.js';

const IMAGES = resolve(import.meta.dirname, '../../docs/images');

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage?.close());

async function open(device: BrowserContext): Promise<{ page: Page; complaints: string[] }> {
  const page = await device.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  await page.goto(APP);
  return { page, complaints };
}
async function signIn(page: Page, email: string, button: 'Sign in' | 'Sign up'): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: button }).click();
  await page.getByText(`Welcome, ${email}.`).waitFor();
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
    const { unnamed, width } = await page.evaluate(() => ({
      unnamed: [...document.querySelectorAll<HTMLInputElement>('input, button, progress')]
        .filter((control) => !control.labels?.length && !control.textContent?.trim() && !control.ariaLabel)
        .map(({ outerHTML }) => outerHTML),
      width: document.documentElement.scrollWidth,
    }));
    expect(unnamed).toEqual([]);
    expect(width).toBeLessThanOrEqual(360);
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

/** Texts whose contrast with what is behind them is below 4.5. Runs in the page. */
function lowContrast(): string[] {
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string) => {
    const [r, g, b] = channels(colour)
      .slice(0, 3)
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const ground = (element: Element | null): string => {
    if (!element) return 'rgb(255, 255, 255)';
    const { backgroundColor } = getComputedStyle(element);
    return channels(backgroundColor)[3] === 0 ? ground(element.parentElement) : backgroundColor;
  };
  const texts = [...document.querySelectorAll('body *')].filter(
    (element) =>
      element.checkVisibility() &&
      [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim()),
  );
  return texts.flatMap((element) => {
    const pair = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort(
      (a, b) => b - a,
    );
    const contrast = (pair[0]! + 0.05) / (pair[1]! + 0.05);
    return contrast < 4.5 ? [`${element.textContent}: ${contrast.toFixed(2)}`] : [];
  });
}
