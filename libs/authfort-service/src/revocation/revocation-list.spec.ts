import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type AuthUser, toAuthUser } from '../token/auth-user.js';
import { Clock } from '../token/clock.port.js';
import { RevocationList } from './revocation-list.js';

const START = 1_800_000_000;
const TTL = 900;

class TestClock extends Clock {
  seconds = START;
  override now(): Date {
    return new Date(this.seconds * 1000);
  }
}

let clock: TestClock;
let list: RevocationList;
beforeEach(() => {
  clock = new TestClock();
  list = new RevocationList({ maxEntries: 1000, clockToleranceSeconds: 5 }, clock);
});
afterEach(() => {
  jest.restoreAllMocks();
});

function user(claims: Partial<{ sub: string; sid: string; ver: number; iat: number }> = {}): AuthUser {
  const iat = clock.seconds;
  return toAuthUser({ iss: 'x', sub: 'ada', sid: 's', ver: 3, roles: [], iat, exp: iat + TTL, ...claims })!;
}
const times = (at = clock.seconds) => ({ at, exp: at + TTL + 60 });
const isUncertain = (claims: Parameters<typeof user>[0] = {}) => list.isUncertain(user(claims));
const refusalOf = (claims: Parameters<typeof user>[0] = {}, kid = 'k') => list.refusalOf(user(claims), kid);

describe('RevocationList', () => {
  it('refuses the tokens of a session, of a version and of a key, and no others', () => {
    expect(refusalOf()).toBeUndefined();
    list.add([
      { sid: 'dead', ...times() },
      { sub: 'bob', ver: 3, ...times() },
      { kid: 'stolen', ...times() },
    ]);
    expect(refusalOf({ sid: 'dead' })).toBe('session_revoked');
    expect(refusalOf({ sub: 'bob', ver: 2 })).toBe('token_version_mismatch');
    expect(refusalOf({ sub: 'bob', ver: 3 })).toBeUndefined();
    expect(refusalOf({}, 'stolen')).toBe('token_invalid');
    expect(refusalOf()).toBeUndefined();
    expect(list.size).toBe(3);
  });

  it('raises its epoch with what is news, and with nothing else', () => {
    const news = [
      { sid: 'dead', ...times() },
      { sub: 'bob', ver: 3, ...times() },
      { kid: 'stolen', ...times() },
    ];
    const epochs = [list.epoch];
    for (const entry of news) {
      list.add([entry]);
      epochs.push(list.epoch);
    }
    expect(new Set(epochs).size).toBe(4);
    expect(list.add(news)).toEqual({ keyRevoked: false });
    expect(list.epoch).toBe(epochs.at(-1));
  });

  it('says when a key was among the news', () =>
    expect(list.add([{ kid: 'stolen', ...times() }])).toEqual({ keyRevoked: true }));

  it('accepts the tokens of a session that its user kept, until the next entry about the user', () => {
    list.add([{ sub: 'bob', ver: 5, except: { sid: 'kept', ver: 3 }, ...times() }]);
    expect(refusalOf({ sub: 'bob', sid: 'kept', ver: 4 })).toBeUndefined();
    expect(refusalOf({ sub: 'bob', sid: 'kept', ver: 3 })).toBeUndefined();
    expect(refusalOf({ sub: 'bob', sid: 'kept', ver: 2 })).toBe('token_version_mismatch');
    expect(refusalOf({ sub: 'bob', sid: 'other', ver: 4 })).toBe('token_version_mismatch');
    // A repetition, and an entry of an older version that comes late.
    list.add([{ sub: 'bob', ver: 5, except: { sid: 'kept', ver: 3 }, at: START, exp: START + 5000 }]);
    list.add([{ sub: 'bob', ver: 4, ...times() }]);
    expect(refusalOf({ sub: 'bob', sid: 'kept', ver: 4 })).toBeUndefined();
    list.add([{ sid: 'kept', ...times() }]);
    expect(refusalOf({ sub: 'bob', sid: 'kept', ver: 4 })).toBe('session_revoked');
    list.add([{ sub: 'cy', ver: 5, except: { sid: 'c', ver: 4 }, ...times() }]);
    list.add([{ sub: 'cy', ver: 6, ...times() }]);
    expect(refusalOf({ sub: 'cy', sid: 'c', ver: 5 })).toBe('token_version_mismatch');
  });

  it('never lets a version fall, whatever comes late', () => {
    list.add([{ sub: 'bob', ver: 5, ...times() }]);
    list.add([{ sub: 'bob', ver: 4, at: clock.seconds, exp: clock.seconds + 5000 }]);
    clock.seconds += 2000;
    list.add([]);
    expect(refusalOf({ sub: 'bob', ver: 4 })).toBe('token_version_mismatch');
  });

  it('drops an entry when what it ends has expired, and the tolerance with it; keys stay', () => {
    list.add([
      { sid: 'dead', ...times() },
      { sub: 'bob', ver: 3, ...times() },
      { kid: 'stolen', ...times() },
    ]);
    clock.seconds += TTL + 60 + 4;
    list.add([]);
    expect(list.size).toBe(3);
    clock.seconds += 20;
    list.add([]);
    expect(list.size).toBe(1);
    expect(refusalOf({}, 'stolen')).toBe('token_invalid');
  });

  it('does not take in what has expired already', () => {
    list.add([{ sid: 'old', at: START - 5000, exp: START - 6 }]);
    expect([list.size, list.epoch]).toEqual([0, 0]);
  });

  it('keeps an entry as long as its latest repetition says', () => {
    list.add([{ sid: 'dead', ...times() }]);
    list.add([{ sid: 'dead', at: START, exp: START + 3000 }]);
    clock.seconds += 2000;
    list.add([]);
    expect(refusalOf({ sid: 'dead' })).toBe('session_revoked');
  });

  it('stays within its bound, and knows which tokens it can no longer judge', () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const issuedAt = START;
    for (let n = 0; n < 3000; n += 1) {
      clock.seconds = START + n / 2;
      list.add([n % 2 ? { sid: `s${n}`, ...times() } : { sub: `u${n}`, ver: 3, ...times() }]);
      expect(list.size).toBeLessThanOrEqual(1000);
      // The first ones: remembered, dropped, or expired.
      const first = { sub: 'u0', ver: 2, iat: issuedAt };
      if (n < 2 * TTL) expect(refusalOf(first) !== undefined || isUncertain(first)).toBe(true);
    }
    // Of the last ones, tokens that have not expired.
    for (let n = 1300; n < 3000; n += 1) {
      const iat = START + n / 2 - 1;
      const claims = n % 2 ? { sid: `s${n}`, iat } : { sub: `u${n}`, ver: 2, iat };
      expect(refusalOf(claims) !== undefined || isUncertain(claims)).toBe(true);
    }
    expect([refusalOf(), isUncertain()]).toEqual([undefined, false]);
    expect(list.incompleteUntil).toBeGreaterThan(START);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('is certain of a refreshed token once the moment of the dropped ones has passed', () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    list.add([{ kid: 'stolen', ...times() }]);
    list.add(Array.from({ length: 5000 }, (_, n) => ({ sid: `s${n}`, ...times() })));
    expect(list.size).toBeLessThanOrEqual(1001);
    // Nothing is refused that was not revoked.
    expect(refusalOf({ iat: clock.seconds - 300 })).toBeUndefined();
    expect(isUncertain({ iat: clock.seconds - 300 })).toBe(true);
    expect(refusalOf({ sid: 's17', iat: clock.seconds - 300 }) ?? isUncertain()).toBeTruthy();
    clock.seconds += 6;
    expect([refusalOf(), isUncertain()]).toEqual([undefined, false]);
    expect(refusalOf({}, 'stolen')).toBe('token_invalid');
  });

  it('does not grow by repetitions, nor by entries that it has dropped', () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const all = Array.from({ length: 5000 }, (_, n) => ({ sid: `s${n}`, ...times() }));
    list.add(all);
    const { size, epoch } = list;
    for (let count = 0; count < 3; count += 1) list.add(all);
    expect([list.size, list.epoch]).toEqual([size, epoch]);
  });

  it('is uncertain of tokens that it has dropped as expired when the clock turns out to have been fast', () => {
    list.add([{ sid: 'dead', ...times() }]);
    const dead = user({ sid: 'dead', iat: START - 10 });
    clock.seconds += 86_400;
    list.add([{ sid: 'seen too late', at: START, exp: START + TTL }]);
    expect(list.isUncertain(dead)).toBe(false);
    clock.seconds = START + 60;
    expect(list.isUncertain(dead)).toBe(true);
    expect(isUncertain({ sid: 'seen too late', iat: START })).toBe(true);
    expect([refusalOf(), isUncertain()]).toEqual([undefined, false]);
  });

  it('is uncertain of them from the next request on, when nothing has been heard since', () => {
    const fast = user({ sid: 'dead' });
    list.add([{ sid: 'dead', ...times() }]);
    clock.seconds += 2 * TTL;
    list.add([{ sid: 'another', ...times() }]);
    clock.seconds -= 2 * TTL;
    expect([list.refusalOf(fast, 'k'), list.isUncertain(fast)]).toEqual([undefined, true]);
  });

  it('takes 200 000 entries in, and forgets them, quickly', () => {
    const large = new RevocationList({ maxEntries: 200_000, clockToleranceSeconds: 5 }, clock);
    const startedAt = performance.now();
    for (let n = 0; n < 200_000; n += 500) {
      clock.seconds = START + n / 1000;
      large.add(Array.from({ length: 500 }, (_, i) => ({ sid: `session-${n + i}`, ...times() })));
    }
    expect(large.size).toBe(200_000);
    clock.seconds += 2000;
    large.add([]);
    expect(large.size).toBe(0);
    // Some 0.3 s on a slow core.
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});
