import { describe, expect, it } from '@jest/globals';
import { ManualClock } from './manual-clock.js';

describe('ManualClock', () => {
  it('stands still until it is moved, by seconds or to a moment', () => {
    const clock = new ManualClock(new Date('2026-05-01T00:00:00Z'));
    clock.advance(90);
    expect(clock.now()).toEqual(new Date('2026-05-01T00:01:30Z'));
    clock.set(new Date('2027-01-01T00:00:00Z'));
    expect(clock.now()).toEqual(new Date('2027-01-01T00:00:00Z'));
  });

  it('does not change with a date that it took or gave', () => {
    const start = new Date('2026-05-01T00:00:00Z');
    const clock = new ManualClock(start);
    start.setFullYear(1999);
    clock.now().setFullYear(1999);
    expect(clock.now()).toEqual(new Date('2026-05-01T00:00:00Z'));
  });
});
