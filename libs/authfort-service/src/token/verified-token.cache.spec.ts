import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { AuthUser } from './auth-user.js';
import { type SignedBy, type Stamp, VerifiedTokenCache } from './verified-token.cache.js';

const { publicKey: key } = generateKeyPairSync('ed25519');
const signedBy: SignedBy = { kid: 'k', algorithm: 'ES256', key };
const stamp: Stamp = { epoch: 0, generation: 0, sinceMs: 0, untilMs: Infinity };
const userOf = (sub: string) => ({ sub }) as AuthUser;
const tokenOf = (n: number) => `header.claims-${n}.${String(n).padStart(86, 'x')}`;

function cacheOf(size: number, tokens: readonly string[]): VerifiedTokenCache {
  const cache = new VerifiedTokenCache(size);
  for (const token of tokens) cache.add(token, userOf(token), signedBy, stamp);
  return cache;
}

describe('the cache of verified tokens', () => {
  it('finds a token by its text and by the header that brings it', () => {
    const cache = cacheOf(10, [tokenOf(1), tokenOf(2)]);
    expect(cache.byToken(tokenOf(2))?.user.sub).toBe(tokenOf(2));
    expect(cache.byBearer(`Bearer ${tokenOf(1)}`)?.user.sub).toBe(tokenOf(1));
    for (const header of [tokenOf(1), `bearer ${tokenOf(1)}`, `Bearer  ${tokenOf(1)}`, `Basic ${tokenOf(1)}`])
      expect(cache.byBearer(header)).toBeUndefined();
    expect(cache.byToken(tokenOf(3))).toBeUndefined();
    expect(cache.byToken('')).toBeUndefined();
  });
  it('takes no token for another that ends in the same 43 characters', () => {
    const [one, other] = [`a.b.${'x'.repeat(43)}`, `a.c.${'x'.repeat(43)}`];
    const cache = cacheOf(10, [one]);
    expect(cache.byToken(other)).toBeUndefined();
    expect(cache.byBearer(`Bearer ${other}`)).toBeUndefined();
    cache.add(other, userOf('other'), signedBy, stamp);
    expect(cache.byToken(other)?.user.sub).toBe('other');
    expect(cache.byToken(one)).toBeUndefined();
    expect(cache.count).toBe(1);
  });
  it.each([1, 2, 10, 1000])('keeps %d at most, whatever comes', (size) => {
    const cache = new VerifiedTokenCache(size);
    for (let n = 0; n < size * 5; n += 1) {
      cache.add(tokenOf(n), userOf(''), signedBy, stamp);
      // Every third is asked for again, which moves it.
      cache.byToken(tokenOf(n - (n % 3)));
      cache.byToken(tokenOf(n - size + 1));
      expect(cache.count).toBeLessThanOrEqual(size);
    }
    expect(cache.byToken(tokenOf(size * 5 - 1))).toBeDefined();
  });
  it('keeps what is used, and lets go what is not', () => {
    const cache = cacheOf(10, [tokenOf(0), tokenOf(1)]);
    for (let n = 2; n < 100; n += 1) {
      cache.add(tokenOf(n), userOf(''), signedBy, stamp);
      expect(cache.byToken(tokenOf(0))).toBeDefined();
    }
    expect(cache.byToken(tokenOf(1))).toBeUndefined();
  });
  it('keeps nothing when its size is 0', () => {
    const cache = cacheOf(0, [tokenOf(1)]);
    expect([cache.byToken(tokenOf(1)), cache.count]).toEqual([undefined, 0]);
  });
  it('holds as many as it may, in whatever order they are used', () => {
    const tokens = Array.from({ length: 100 }, (_, n) => tokenOf(n));
    const cache = cacheOf(100, tokens);
    for (const token of [...tokens, ...tokens.reverse()]) expect(cache.byToken(token)).toBeDefined();
  });
  it('lets go what has not been used for a while, though it was used often', () => {
    const cache = cacheOf(10, []);
    const show = (n: number) =>
      cache.byToken(tokenOf(n)) ?? cache.add(tokenOf(n), userOf(''), signedBy, stamp);
    for (let times = 0; times < 100; times += 1) for (let n = 0; n < 10; n += 1) show(n);
    for (let n = 10; n < 40; n += 1) show(n);
    for (let n = 0; n < 10; n += 1) expect(cache.byToken(tokenOf(n))).toBeUndefined();
  });
  it('forgets what it is told to, and uses the room again', () => {
    const cache = cacheOf(3, [tokenOf(1), tokenOf(2), tokenOf(3)]);
    const [one, three] = [cache.byToken(tokenOf(1))!, cache.byToken(tokenOf(3))!];
    cache.byToken(tokenOf(2));
    cache.delete(one);
    cache.delete(three);
    cache.delete(three);
    expect([cache.byToken(tokenOf(1)), cache.byToken(tokenOf(3)), cache.count]).toEqual([
      undefined,
      undefined,
      1,
    ]);
    for (const n of [4, 5]) cache.add(tokenOf(n), userOf(''), signedBy, stamp);
    for (const n of [2, 4, 5]) expect(cache.byToken(tokenOf(n))).toBeDefined();
  });
  it('forgets no other token that has taken the place', () => {
    const [one, other] = [`a.b.${'x'.repeat(43)}`, `a.c.${'x'.repeat(43)}`];
    const cache = cacheOf(10, [one]);
    const entry = cache.byToken(one)!;
    cache.add(other, userOf('other'), signedBy, stamp);
    cache.delete(entry);
    expect(cache.byToken(other)).toBeDefined();
  });
});
