import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { Batch } from './batch.js';

/** Doubles numbers, and has none for 13. */
class Doubler {
  readonly asked: (readonly number[])[] = [];
  readonly batch = new Batch((keys: readonly number[]) => {
    this.asked.push(keys);
    if (keys.includes(0)) return Promise.reject(new Error('away'));
    return Promise.resolve(keys.map((key) => (key === 13 ? undefined : key * 2)));
  });
}

describe('Batch', () => {
  it('asks once for what comes in one turn, and gives each its own answer', async () => {
    const { batch, asked } = new Doubler();
    expect(await Promise.all([1, 13, 1, 3].map((key) => batch.find(key)))).toEqual([2, undefined, 2, 6]);
    expect(await batch.find(5)).toBe(10);
    expect(asked).toEqual([[1, 13, 1, 3], [5]]);
  });

  it('asks for a hundred at most', async () => {
    const { batch, asked } = new Doubler();
    const keys = Array.from({ length: 250 }, (_, index) => index + 1);
    const answers = await Promise.all(keys.map((key) => batch.find(key)));
    expect(answers).toEqual(keys.map((key) => (key === 13 ? undefined : key * 2)));
    expect(asked.map(({ length }) => length)).toEqual([100, 100, 50]);
  });

  it('fails all who asked together, and nobody who asks later', async () => {
    const { batch } = new Doubler();
    const outcomes = await Promise.allSettled([batch.find(1), batch.find(0)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await batch.find(1)).toBe(2);
  });

  it('asks in the name of none of them', async () => {
    const scope = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const batch = new Batch((keys: readonly number[]) => {
      seen.push(scope.getStore());
      return Promise.resolve(keys);
    });
    const found = await scope.run('a transaction', async () => [await batch.find(1), scope.getStore()]);
    expect([found, seen]).toEqual([[1, 'a transaction'], [undefined]]);
  });
});
