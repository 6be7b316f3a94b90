import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ManualClock } from '../testing/manual-clock.js';
import type { OutboxItem, OutboxRepository } from './outbox.repository.js';
import { OutboxWorker } from './outbox.worker.js';

/** The rows of the outbox that a claim finds, and what became of them. */
class Rows {
  readonly due: OutboxItem[] = [];
  readonly log: string[] = [];

  subscribe = async (): Promise<void> => {};
  claim = async (free: { consumer: string; room: number }[]): Promise<OutboxItem[]> =>
    free.flatMap(({ consumer, room }) => {
      const found = this.due.filter((item) => item.consumer === consumer).slice(0, room);
      for (const item of found) this.due.splice(this.due.indexOf(item), 1);
      return found;
    });
  extend = async (items: { id: string }[]): Promise<void> =>
    void this.log.push(`kept ${items.map(({ id }) => id).join()}`);
  done = async (id: string): Promise<void> => void this.log.push(`done ${id}`);
  retryAt = async ({ id }: OutboxItem, _at: Date, error: string): Promise<void> =>
    void this.log.push(`again ${id}: ${error}`);
  bury = async ({ id }: OutboxItem, _now: Date, error: string): Promise<void> =>
    void this.log.push(`dead ${id}: ${error}`);
}

const item = (id: string, consumer: string, attempts = 1): OutboxItem => ({
  id,
  eventId: id,
  event: 'login',
  consumer,
  payload: {},
  createdAt: new Date(),
  attempts,
});

describe('the worker of the outbox', () => {
  let rows: Rows;
  let worker: OutboxWorker;
  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    rows = new Rows();
    worker = new OutboxWorker(rows as unknown as OutboxRepository, new ManualClock());
  });
  afterEach(async () => {
    jest.useRealTimers();
    await worker.beforeApplicationShutdown();
    jest.restoreAllMocks();
  });

  it('gives up on a handler that hangs, keeps its rows until then, and serves the others meanwhile', async () => {
    worker.consume('hangs', ['login'], () => new Promise(() => undefined));
    worker.consume('works', ['login'], () => Promise.resolve());
    rows.due.push(...['a', 'b', 'c', 'd', 'e'].map((id) => item(id, 'hangs')), item('w', 'works'));
    await worker.start();
    await jest.advanceTimersByTimeAsync(20_000);
    expect(rows.log).toEqual(['done w', 'kept a,b,c,d']);
    expect(rows.due.map(({ id }) => id)).toEqual(['e']);
    await jest.advanceTimersByTimeAsync(281_000);
    expect(rows.log).toContain('again a: it did not end within 300 s');
    expect(rows.due).toEqual([]);
    await jest.advanceTimersByTimeAsync(300_000);
    expect(rows.log).toContain('again e: it did not end within 300 s');
  });
  it('does not run what has ended the process on each attempt', async () => {
    const handle = jest.fn(() => Promise.resolve());
    worker.consume('deadly', ['login'], handle);
    rows.due.push(item('a', 'deadly', 9));
    await worker.start();
    await jest.advanceTimersByTimeAsync(0);
    expect(rows.log).toEqual(['dead a: the server ended while it was at it']);
    expect(handle).not.toHaveBeenCalled();
  });
  it('stores no text that PostgreSQL refuses', async () => {
    worker.consume('odd', ['login'], () => Promise.reject(new Error('a\0b')));
    rows.due.push(item('a', 'odd'));
    await worker.start();
    await jest.advanceTimersByTimeAsync(0);
    expect(rows.log).toEqual(['again a: ab']);
  });
  it('refuses two consumers of one name', () => {
    worker.consume('same', [], () => Promise.resolve());
    expect(() => worker.consume('same', [], () => Promise.resolve())).toThrow('give one of them another');
  });
});
