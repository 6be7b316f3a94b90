import { AsyncResource } from 'node:async_hooks';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { reasonOf } from '../errors/reason-of.js';
import { OutboxRepository, type OutboxItem } from './outbox.repository.js';

/** Does what one row of the outbox asks for. Throws to be asked again later. */
export type OutboxHandler = (item: OutboxItem) => Promise<void>;

interface Consumer {
  readonly events: readonly string[];
  readonly handle: OutboxHandler;
}

interface Job {
  readonly item: OutboxItem;
  readonly work: Promise<void>;
}

/** Seconds to wait after each failed attempt; after the last one the row goes to the dead letters. */
export const RETRY_DELAYS_SECONDS = [5, 30, 120, 600, 3600, 21_600, 86_400];
const ATTEMPTS = RETRY_DELAYS_SECONDS.length + 1;
const LEASE_SECONDS = 60;
/** A handler that takes longer has failed: one that hangs must not keep its place for ever. */
const PATIENCE_MS = 300_000;
const EXTEND_EVERY_MS = 20_000;
const POLL_EVERY_MS = 1000;
const SHUTDOWN_MS = 5000;
const SUBSCRIBE_EVERY_MS = 3_600_000;
/** So that one slow webhook does not hold up the mails. */
const AT_ONCE_PER_CONSUMER = 4;

/**
 * Works through the outbox: at once when this process has written to it, and once a second for what others have left. Each row is
 * done by one replica, at least once: again after a crash, and again after a failure, later each time.
 */
@Injectable()
export class OutboxWorker implements BeforeApplicationShutdown {
  private readonly logger = new Logger(OutboxWorker.name);
  private readonly consumers = new Map<string, Consumer>();
  private readonly busy = new Map<string, Job>();
  private timers: NodeJS.Timeout[] = [];
  private running = false;
  private claiming: Promise<void> | undefined;
  private again = false;
  /** What wakes the worker is a request; what it does then is not done in that request's name. */
  private readonly context = new AsyncResource('AuthFortOutbox');

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly clock: Clock,
  ) {}

  /** Registers who does the rows of `consumer`; `events`: those that are written down for it. Call it before the start. */
  consume(consumer: string, events: readonly string[], handle: OutboxHandler): void {
    if (this.consumers.has(consumer))
      throw new Error(`Two consumers of the outbox are called ${consumer}: give one of them another group`);
    this.consumers.set(consumer, { events, handle });
  }

  /** Whether a consumer of this process wants the event. */
  wants(event: string): boolean {
    return [...this.consumers.values()].some(({ events }) => events.includes(event));
  }

  /** Says which consumers there are, and begins. */
  async start(): Promise<void> {
    await this.subscribe();
    this.running = true;
    this.every(POLL_EVERY_MS, () => this.wake());
    this.every(EXTEND_EVERY_MS, () => void this.quietly(() => this.extendLeases()));
    this.every(SUBSCRIBE_EVERY_MS, () => void this.quietly(() => this.subscribe()));
    this.wake();
  }

  /** There may be something to do. */
  wake(): void {
    if (!this.running) return;
    if (this.claiming) this.again = true;
    else
      this.claiming = this.context
        .runInAsyncScope(() => this.claimAll())
        .finally(() => {
          this.claiming = undefined;
          // Woken at the very last moment.
          if (this.again) this.wake();
        });
  }

  /** Waits until nothing is due any more. */
  async settle(): Promise<void> {
    this.wake();
    while (this.claiming || this.busy.size > 0) {
      await this.claiming;
      await Promise.all([...this.busy.values()].map(({ work }) => work));
    }
  }

  /** Takes nothing more, and gives what it is at a moment to end: what does not is repeated by another replica or the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    this.running = false;
    for (const timer of this.timers) clearInterval(timer);
    await this.claiming;
    let timer: NodeJS.Timeout;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, SHUTDOWN_MS)));
    await Promise.race([patience, Promise.all([...this.busy.values()].map(({ work }) => work))]);
    clearTimeout(timer!);
  }

  private async claimAll(): Promise<void> {
    do {
      this.again = false;
      await this.quietly(() => this.claim());
    } while (this.again && this.running);
  }

  private async claim(): Promise<void> {
    const free = [...this.consumers]
      .map(([consumer, { events }]) => ({
        consumer,
        room: AT_ONCE_PER_CONSUMER - this.busyWith(consumer),
        events: events.length > 0 ? events : null,
      }))
      .filter(({ room }) => room > 0);
    if (free.length === 0) return;
    const now = this.clock.now();
    const items = await this.outbox.claim(free, now, leaseFrom(now), [...this.busy.keys()]);
    for (const item of items) {
      const work = this.run(item).finally(() => {
        this.busy.delete(item.id);
        this.wake();
      });
      this.busy.set(item.id, { item, work });
    }
  }

  private async run(item: OutboxItem): Promise<void> {
    try {
      // Its attempts were claimed and never ended: what takes the process down each time must not do so for ever.
      if (item.attempts > ATTEMPTS) throw new Error('the server ended while it was at it');
      await patiently(this.consumers.get(item.consumer)!.handle(item));
    } catch (error) {
      return this.quietly(() => this.fail(item, error));
    }
    await this.quietly(() => this.outbox.done(item.id));
  }

  private async fail(item: OutboxItem, error: unknown): Promise<void> {
    const { consumer, event, attempts } = item;
    // PostgreSQL cannot store U+0000.
    const reason = (error instanceof Error ? error.message : String(error))
      .replaceAll('\0', '')
      .slice(0, 500);
    const now = this.clock.now();
    const delay = RETRY_DELAYS_SECONDS[attempts - 1];
    if (delay === undefined) {
      this.logger.error(
        `${consumer} gave up ${event} ${item.eventId}; it is with the dead letters: ${reason}`,
      );
      await this.outbox.bury(item, now, reason);
    } else {
      this.logger.warn(`${consumer} failed at ${event} ${item.eventId}; again in ${delay} s: ${reason}`);
      await this.outbox.retryAt(item, new Date(now.getTime() + delay * 1000), reason);
    }
  }

  private busyWith(consumer: string): number {
    return [...this.busy.values()].filter(({ item }) => item.consumer === consumer).length;
  }

  private async extendLeases(): Promise<void> {
    const items = [...this.busy.values()].map(({ item }) => item);
    if (items.length > 0) await this.outbox.extend(items, leaseFrom(this.clock.now()));
  }

  private async subscribe(): Promise<void> {
    const wanted = [...this.consumers].flatMap(([consumer, { events }]) =>
      events.map((event) => ({ consumer, event })),
    );
    if (wanted.length > 0) await this.outbox.subscribe(wanted, this.clock.now());
  }

  /** The database may be away: the next turn tries again, and a row whose end could not be noted is repeated. */
  private async quietly(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.logger.warn(`The outbox could not be processed; retrying: ${reasonOf(error)}`);
    }
  }

  private every(ms: number, action: () => void): void {
    this.timers.push(setInterval(action, ms).unref());
  }
}

function leaseFrom(now: Date): Date {
  return new Date(now.getTime() + LEASE_SECONDS * 1000);
}

async function patiently(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout;
  const impatience = new Promise<never>((_resolve, reject) => {
    const give = () => reject(new Error(`it did not end within ${PATIENCE_MS / 1000} s`));
    timer = setTimeout(give, PATIENCE_MS).unref();
  });
  await Promise.race([work, impatience]).finally(() => clearTimeout(timer));
}
