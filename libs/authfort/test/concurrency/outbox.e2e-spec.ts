import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Database } from '../../src/database/database.js';
import { createTestDatabase, type TestDatabase } from 'authfort/testing';
import { type FreeConsumer, OutboxRepository } from '../../src/events/outbox.repository.js';

const START = new Date('2026-01-01T00:00:00Z');
const after = (seconds: number): Date => new Date(START.getTime() + seconds * 1000);

describe('the outbox', () => {
  let test: TestDatabase;
  let dataSource: DataSource;
  let database: Database;
  let outbox: OutboxRepository;
  beforeAll(async () => {
    test = await createTestDatabase();
    dataSource = await new DataSource(test.options).initialize();
    database = new Database(dataSource);
    outbox = new OutboxRepository(database);
  });
  beforeEach(() => dataSource.query('TRUNCATE authfort_outbox, authfort_outbox_consumers'));
  afterAll(async () => {
    await dataSource?.destroy();
    await test?.close();
  });

  const free = (consumer: string, room = 4, events: string[] | null = null): FreeConsumer => ({
    consumer,
    room,
    events,
  });
  const put = async (consumer: string, event = 'login', count = 1) => {
    for (let n = 0; n < count; n += 1)
      await outbox.insert({ consumer, event, userId: null, payload: {} }, START);
  };
  const claim = (list: FreeConsumer[], at = 0, busy: string[] = []) =>
    outbox.claim(list, after(at), after(at + 60), busy);
  const subscriptions = async () =>
    (
      await dataSource.query<{ consumer: string; event: string }[]>(
        'SELECT consumer, event FROM authfort_outbox_consumers ORDER BY 1, 2',
      )
    ).map(({ consumer, event }) => `${consumer} ${event}`);

  it('gives each row to one of those who ask, and no consumer more than it has room for', async () => {
    await put('a', 'login', 10);
    await put('b', 'login', 3);
    await put('nobody', 'login', 5);
    const taken = (
      await Promise.all(Array.from({ length: 4 }, () => claim([free('a', 2), free('b', 1)])))
    ).flat();
    expect(new Set(taken.map(({ id }) => id)).size).toBe(taken.length);
    expect(taken.filter(({ consumer }) => consumer === 'a').length).toBe(8);
    expect(taken.filter(({ consumer }) => consumer === 'b').length).toBe(3);
    expect(await claim([free('b')])).toEqual([]);
  });
  it('leaves an event to the servers that know it', async () => {
    await put('hook', 'new_event');
    expect(await claim([free('hook', 4, ['login'])])).toEqual([]);
    expect(await claim([free('hook', 4, ['login', 'new_event'])])).toHaveLength(1);
  });
  it('gives a row to another process after the lease, and the first one loses its say', async () => {
    await put('a');
    const [first] = await claim([free('a')]);
    expect(await claim([free('a')], 59)).toEqual([]);
    const [second] = await claim([free('a')], 60);
    expect([second!.id, second!.attempts]).toEqual([first!.id, 2]);
    await outbox.retryAt(first!, after(0), 'late');
    await outbox.bury(first!, after(61), 'late');
    await outbox.extend([first!], after(1000));
    expect(await claim([free('a')], 61)).toEqual([]);
    await outbox.extend([second!], after(180));
    expect(await claim([free('a')], 121)).toEqual([]);
    expect(await claim([free('a')], 180, [second!.id])).toEqual([]);
    await outbox.bury(second!, after(181), 'enough');
    expect(await outbox.deadLetters(10)).toEqual([expect.objectContaining({ error: 'enough', attempts: 2 })]);
  });
  it('writes down what any replica wants, also while an older version runs beside', async () => {
    const older = [{ consumer: 'hook', event: 'login' }];
    const newer = [...older, { consumer: 'hook', event: 'logout' }];
    await outbox.subscribe(newer, after(0));
    await outbox.subscribe(older, after(10));
    await outbox.subscribe(older, after(3610));
    expect(await subscriptions()).toEqual(['hook login', 'hook logout']);
    await outbox.subscribe(newer, after(7200));
    await outbox.subscribe(older, after(7210));
    expect(await subscriptions()).toHaveLength(2);
    await outbox.subscribe(older, after(14_401));
    expect(await subscriptions()).toEqual(['hook login']);
  });
  it('lists dead letters in pages that hold when one of them is revived in between', async () => {
    await put('a', 'login', 5);
    for (const item of await claim([free('a', 5)])) await outbox.bury(item, after(5), 'no');
    const first = await outbox.deadLetters(2);
    await outbox.revive(first[1]!.id, after(6));
    const second = await outbox.deadLetters(10, first[1]);
    expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(5);
    expect(await outbox.revive(randomUUID(), after(6))).toBeUndefined();
    expect(await claim([free('a')], 6)).toEqual([expect.objectContaining({ id: first[1]!.id, attempts: 1 })]);
  });
});
