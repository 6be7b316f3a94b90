import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { accessError } from './access-errors.js';
import { UnavailableLog } from './unavailable.log.js';

describe('UnavailableLog', () => {
  let lines: string[];
  let log: UnavailableLog;
  beforeEach(() => {
    jest.useFakeTimers();
    lines = [];
    log = new UnavailableLog();
    jest
      .spyOn(Logger.prototype, 'error')
      .mockImplementation((line: unknown) => void lines.push(String(line)));
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('names the code and the deepest cause', () => {
    const away = Object.assign(new Error('deadlock\ndetected'), { code: '40P01' });
    const unavailable = accessError('unavailable', { cause: away });
    log.record('keys_unavailable', accessError('keys_unavailable', { cause: unavailable }));
    log.record('unavailable', Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }));
    log.record('overloaded', new Error('64 hashes are waiting'));
    log.record('unavailable', { odd: true });
    expect(lines).toEqual([
      '503 keys_unavailable: deadlock detected (40P01)',
      '503 unavailable: AggregateError (ECONNREFUSED)',
      '503 overloaded: 64 hashes are waiting',
      '503 unavailable: unknown cause',
    ]);
  });
  it('logs each cause once a second, and counts the repeats', async () => {
    const [first, second] = [new Error('first'), new Error('second')];
    for (let n = 0; n < 1000; n += 1) log.record('unavailable', first);
    log.record('unavailable', second);
    expect(lines).toEqual(['503 unavailable: first', '503 unavailable: second']);
    await jest.advanceTimersByTimeAsync(1000);
    expect(lines.slice(2)).toEqual(['503 unavailable: first (999 more within 1 s)']);
    log.record('unavailable', first);
    expect(lines.slice(3)).toEqual(['503 unavailable: first']);
  });
  it('has a bound on causes that differ each time, and on their length', async () => {
    for (let n = 0; n < 10_000; n += 1) log.record('unavailable', new Error(`${n} ${'x'.repeat(10_000)}`));
    expect(lines).toHaveLength(101);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(350);
    await jest.advanceTimersByTimeAsync(1000);
    expect(lines.slice(101)).toEqual(['503 for other causes (9899 more within 1 s)']);
  });
});
