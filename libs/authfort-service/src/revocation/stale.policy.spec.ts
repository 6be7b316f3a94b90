import { describe, expect, it } from '@jest/globals';
import { Clock } from '../token/clock.port.js';
import { StalePolicy, type WhenStale } from './stale.policy.js';

class TestClock extends Clock {
  seconds = 1_800_000_000;
  override now(): Date {
    return new Date(this.seconds * 1000);
  }
}

function policyOf(whenStale: WhenStale) {
  const clock = new TestClock();
  return {
    clock,
    policy: new StalePolicy({ whenStale, maxStaleSeconds: 10, clockToleranceSeconds: 5 }, clock),
  };
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
    expect(policyOf('allow').policy.mustConfirm()).toBe(false);
    expect(policyOf('introspect').policy.mustConfirm()).toBe(true);
    const { policy } = policyOf('deny');
    expect(() => policy.mustConfirm()).toThrow(
      expect.objectContaining({ code: 'revocations_unavailable', retryAfterSeconds: 2 }),
    );
    policy.heard();
    expect(policy.mustConfirm()).toBe(false);
  });
});
