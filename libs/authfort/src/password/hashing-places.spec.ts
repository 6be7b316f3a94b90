import { describe, expect, it } from '@jest/globals';
import { HashingPlaces } from './hashing-places.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('HashingPlaces', () => {
  /** Asks for a place in the name of `network` and notes the order in which places are granted. */
  function people(places: HashingPlaces) {
    const order: string[] = [];
    return {
      order,
      ask: (network: string, who = network) => {
        const granted = places.acquire(network);
        if (granted === false) return order.push(`${who} refused`);
        if (granted === true) return order.push(who);
        return void granted.then((won) => order.push(won ? who : `${who} refused`));
      },
    };
  }

  it('serves networks by turns', async () => {
    const places = new HashingPlaces({ concurrency: 1, queue: 10 });
    const { order, ask } = people(places);
    for (const [network, who] of [
      ['a', 'a1'],
      ['a', 'a2'],
      ['a', 'a3'],
      ['a', 'a4'],
      ['b', 'b1'],
      ['b', 'b2'],
    ] as const)
      ask(network, who);
    for (let n = 0; n < 6; n += 1) {
      places.release();
      await turn();
    }
    expect(order).toEqual(['a1', 'a2', 'b1', 'a3', 'b2', 'a4']);
    expect(places.waiting).toBe(0);
    expect(places.acquire('c')).toBe(true);
  });

  it('refuses beyond the queue, and lets a shorter line take a position of the longest one', async () => {
    const places = new HashingPlaces({ concurrency: 1, queue: 3 });
    const { order, ask } = people(places);
    ['1', '2', '3', '4', '5'].forEach((n) => ask('a', `a${n}`));
    expect(order).toEqual(['a1', 'a5 refused']);
    ask('b');
    await turn();
    expect(order.at(-1)).toBe('a4 refused');
    // Two and one: a second one of b would only turn the tables.
    ask('b', 'b2');
    expect(order.at(-1)).toBe('b2 refused');
    ask('c');
    await turn();
    expect(order.at(-1)).toBe('a3 refused');
    ask('d');
    expect(order.at(-1)).toBe('d refused');
    expect(places.waiting).toBe(3);
  });

  it('lets a network that a user has signed in from take a position of a flood from many networks', async () => {
    const places = new HashingPlaces({ concurrency: 1, queue: 3 });
    const { order, ask } = people(places);
    places.trust('home');
    ['a', 'b', 'c', 'd', 'e'].forEach((network) => ask(network));
    expect(order).toEqual(['a', 'e refused']);
    ask('home');
    await turn();
    expect(order.at(-1)).toBe('b refused');
    // One position, not all of them.
    ask('home', 'home again');
    expect(order.at(-1)).toBe('home again refused');
    ask('f');
    expect(order.at(-1)).toBe('f refused');
    const networks = (places as unknown as { trusted: Set<string> }).trusted;
    for (let n = 0; n < 20_000; n += 1) places.trust(`${n}`);
    expect(networks.size).toBe(10_000);
  });

  it('frees the place during a pause, keeps the bound, and resumes in front of the others', async () => {
    const places = new HashingPlaces({ concurrency: 1, queue: 2 });
    const { order, ask } = people(places);
    ask('a', 'a1');
    let end!: () => void;
    const paused = places.pause(() => new Promise<void>((resolve) => (end = resolve)));
    void paused.then(() => order.push('a1 resumed'));
    ask('b');
    ask('c');
    ask('d');
    expect(order).toEqual(['a1', 'b', 'd refused']);
    end();
    await turn();
    places.release();
    await turn();
    expect(order.at(-1)).toBe('a1 resumed');
    places.release();
    await turn();
    expect(order.at(-1)).toBe('c');
    places.release();
    expect(places.acquire('e')).toBe(true);
  });

  it('bounds the holders that pause, and keeps half of the queue for others', async () => {
    const places = new HashingPlaces({ concurrency: 1, queue: 4 });
    const ends: (() => void)[] = [];
    let pausing = 0;
    // The work of sign-ups that all wait for a list of breached passwords.
    const signUp = async (network: string) => {
      if (!(await places.acquire(network))) return;
      await places.pause(() => {
        pausing += 1;
        return new Promise<void>((resolve) => ends.push(resolve));
      });
      places.release();
    };
    const all = Array.from({ length: 50 }, (_, n) => signUp(`${n}`));
    await turn();
    // Two have given their places up, and one pauses in its place.
    expect(pausing).toBe(3);
    expect(places.waiting).toBe(2);
    places.trust('home');
    const granted = places.acquire('home');
    expect(granted).toBeInstanceOf(Promise);
    while (ends.length > 0) {
      ends.splice(0).forEach((end) => end());
      await turn();
    }
    expect(await granted).toBe(true);
    places.release();
    await turn();
    ends.splice(0).forEach((end) => end());
    await Promise.all(all);
    expect(places.waiting).toBe(0);
    expect(places.acquire('last')).toBe(true);
    expect(places.acquire('later')).toBeInstanceOf(Promise);
  });

  it('refuses without a queue, and costs microseconds', () => {
    const places = new HashingPlaces({ concurrency: 1, queue: 0 });
    expect(places.acquire('a')).toBe(true);
    const begun = process.cpuUsage();
    for (let n = 0; n < 10_000; n += 1) expect(places.acquire('b')).toBe(false);
    const { user, system } = process.cpuUsage(begun);
    expect((user + system) / 10_000).toBeLessThan(100);
  });
});
