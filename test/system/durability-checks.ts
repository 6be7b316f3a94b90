import { isActive, PASSWORD, post } from './client.js';
import type { Account } from './durability-load.js';

/** What of the server's promises to the accounts does not hold; nothing, if all is well. */
export async function brokenPromises(
  url: string,
  secret: string,
  accounts: readonly Account[],
): Promise<string[]> {
  const broken: string[] = [];
  // A lost answer may be asked for again, for 30 s; so the refreshes come first.
  for (const account of accounts) broken.push(...(await brokenRefresh(url, account)));
  for (const account of accounts) broken.push(...(await brokenSession(url, secret, account)));
  for (const account of accounts) broken.push(...(await brokenSignUp(url, account)));
  return broken;
}

export async function brokenRefresh(url: string, account: Account): Promise<string[]> {
  const { email, refreshToken, signedUp, loggedOut, pending } = account;
  if (!signedUp) return [];
  const { status } = await post(`${url}/auth/refresh`, { refresh_token: refreshToken });
  const allowed = loggedOut ? [401] : pending === 'logout' ? [200, 401] : [200];
  return allowed.includes(status) ? [] : [`${email}: refresh answered ${status}`];
}

export async function brokenSession(url: string, secret: string, account: Account): Promise<string[]> {
  const { email, accessToken, signedUp, loggedOut, pending } = account;
  if (!signedUp || pending === 'logout') return [];
  const active = await isActive(url, accessToken, secret);
  return active === !loggedOut ? [] : [`${email}: ${loggedOut ? 'active after logout' : 'session is gone'}`];
}

async function brokenSignUp(url: string, { email, signedUp }: Account): Promise<string[]> {
  const { status } = await post(`${url}/auth/login`, { email, password: PASSWORD });
  return (signedUp ? [200] : [200, 401]).includes(status) ? [] : [`${email}: login answered ${status}`];
}
