import { describe, expect, it } from '@jest/globals';
import { CounterTable } from './counter-table.js';
import { MemoryCounters } from './counters.js';

const START = 1_800_000_000_000;

describe('CounterTable', () => {
  it('holds no more keys than its size, and drops expired counts first', () => {
    const table = new CounterTable(5, 1000, 3);
    ['a', 'b', 'c'].forEach((key) => table.add(key, START));
    table.add('d', START + 1000);
    expect(table.keys).toBe(1);
    expect([table.find('a', START + 1000), table.find('d', START + 1000)?.count]).toEqual([undefined, 1]);
  });
  it('replaces only keys that were seen once, so no client can reset its count', () => {
    const table = new CounterTable(5, 1000, 3);
    for (let n = 0; n < 4; n += 1) table.add('attacker', START);
    for (let n = 0; n < 400; n += 1) table.add(`invented ${n}`, START);
    expect(table.keys).toBe(3);
    expect(table.find('attacker', START)?.count).toBe(4);
  });
  it('has a budget for replacements, also when every key is in use', () => {
    const table = new CounterTable(2, 1000, 2);
    for (const key of ['a', 'a', 'b', 'b']) table.add(key, START);
    let let_in = 0;
    for (let n = 0; n < 1000; n += 1) {
      if (table.exhausted(`new ${n}`, START)) continue;
      table.add(`new ${n}`, START);
      let_in += 1;
    }
    expect(let_in).toBe(200);
    expect(table.keys).toBe(2);
    // Who is counted already is not concerned, and the next window begins with a new budget.
    expect(table.exhausted('a', START)).toBeUndefined();
    expect(table.exhausted('new', START + 1000)).toBeUndefined();
  });
});

describe('MemoryCounters', () => {
  const rule = { points: 2, durationSeconds: 60 };
  it('limits the client, and the networks around it to ten and a hundred times as much', () => {
    const counters = new MemoryCounters(rule);
    const take = (n: number, net: number, provider = 0) =>
      counters.take([`c${n}.${net}.${provider}`, `n${net}.${provider}`, `p${provider}`], START);
    expect([take(1, 1), take(1, 1)]).toEqual([undefined, undefined]);
    expect(take(1, 1)).toEqual({ waitMs: 60_000, first: true });
    // Refused requests do not use up the share of the neighbours.
    for (let n = 0; n < 50; n += 1) expect(take(1, 1)).toMatchObject({ first: false });
    for (let n = 2; n < 20; n += 1) expect(take(n, 1)).toBeUndefined();
    expect(take(20, 1)).toEqual({ waitMs: 60_000, first: true });
    for (let n = 0; n < 180; n += 1) expect(take(n, 2 + (n % 10))).toBeUndefined();
    expect(take(999, 999)).toMatchObject({ first: true });
    expect(take(1, 1, 1)).toBeUndefined();
    expect(counters.take(['c1.1.0'], START + 60_000)).toBeUndefined();
  });
  it('is bounded whatever the keys are', () => {
    const counters = new MemoryCounters({ points: 60, durationSeconds: 60 });
    let refused = 0;
    for (let n = 0; n < 100_000; n += 1)
      if (counters.take([`${n}`, `${n >> 1}/24`, `${n >> 2}/16`], START)) refused += 1;
    const { tables } = counters as unknown as { tables: CounterTable[] };
    expect(tables.map(({ keys }) => keys)).toEqual([10_000, 5_000, 4_000]);
    expect(refused).toBeGreaterThan(80_000);
  });
});
