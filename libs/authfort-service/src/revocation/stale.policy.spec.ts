import { describe, expect, it } from '@jest/globals';
import type { AuthUser } from '../token/auth-user.js';
import { Clock } from '../token/clock.port.js';
import { StalePolicy, type WhenStale } from './stale.policy.js';

class TestClock extends Clock {
  seconds = 1_800_000_000;
  override now(): Date {
    return new Date(this.seconds * 1000);
  }
}

const [certain, uncertain] = ['certain', 'uncertain'].map((sub) => ({ sub }) as AuthUser) as [
  AuthUser,
  AuthUser,
];

function policyOf(whenStale: WhenStale) {
  const clock = new TestClock();
  const options = { whenStale, maxStaleSeconds: 10, clockToleranceSeconds: 5 };
  const list = { isUncertain: (user: AuthUser) => user === uncertain };
  return { clock, policy: new StalePolicy(options, clock, list) };
}

describe('StalePolicy', () => {
  it('is stale before anything was heard, and again that long after', () => {
    const { clock, policy } = policyOf('deny');
    expect([policy.stale, policy.lastHeardAt]).toEqual([true, undefined]);
    policy.heard();
    expect([policy.stale, policy.lastHeardAt]).toEqual([false, clock.now()]);
    clock.seconds += 9.9;
    expect(policy.stale).toBe(false);
    clock.seconds += 0.1;
    expect(policy.stale).toBe(true);
    policy.heard();
    expect(policy.stale).toBe(false);
  });

  it('is not made fresh by a clock that is set back, nor stale by one that is corrected a little', () => {
    const { clock, policy } = policyOf('deny');
    policy.heard();
    clock.seconds -= 4;
    expect(policy.stale).toBe(false);
    clock.seconds -= 3600;
    expect(policy.stale).toBe(true);
    policy.heard();
    expect(policy.stale).toBe(false);
  });

  it('lets pass, has confirmed, or refuses', () => {
    expect(policyOf('allow').policy.mustConfirm(certain)).toBe(false);
    expect(policyOf('introspect').policy.mustConfirm(certain)).toBe(true);
    const { policy } = policyOf('deny');
    expect(() => policy.mustConfirm(certain)).toThrow(
      expect.objectContaining({ code: 'revocations_unavailable', retryAfterSeconds: 2 }),
    );
    policy.heard();
    expect(policy.mustConfirm(certain)).toBe(false);
  });

  it('applies to single tokens after entries were dropped, also while the feed is heard', () => {
    const [allow, introspect, deny] = [policyOf('allow'), policyOf('introspect'), policyOf('deny')].map(
      ({ policy }) => policy,
    ) as [StalePolicy, StalePolicy, StalePolicy];
    for (const policy of [allow, introspect, deny]) {
      policy.heard();
      expect(policy.mustConfirm(certain)).toBe(false);
    }
    expect([allow.mustConfirm(uncertain), introspect.mustConfirm(uncertain)]).toEqual([false, true]);
    expect(() => deny.mustConfirm(uncertain)).toThrow(
      expect.objectContaining({ code: 'revocations_unavailable' }),
    );
  });
});
