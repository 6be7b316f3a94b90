import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from './database.js';
import { DatabaseListener } from './database-listener.js';

/** What has changed: access that services were told of, or the signing keys. */
export type Topic = 'access' | 'keys';

const CHANNEL = 'authfort';

/**
 * Wakes every replica when something has changed, by LISTEN and NOTIFY. It only makes things quick: who listens also looks from time to
 * time, since a notification may be lost, and PgBouncer passes none on.
 */
@Injectable()
export class ReplicaSignal implements OnApplicationShutdown {
  private readonly handlers = new Map<Topic, Set<() => void>>();
  private readonly unsent = new Set<Topic>();
  private sending: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly listener: DatabaseListener,
  ) {}

  /** Calls `handler` after changes, also after those of other replicas from {@link listen} on. It must not throw. */
  on(topic: Topic, handler: () => void): void {
    this.handlers.set(topic, (this.handlers.get(topic) ?? new Set()).add(handler));
  }

  /** Begins to hear of the other replicas. */
  listen(): void {
    this.listener.listen(CHANNEL, (payload) => {
      if (payload === undefined) for (const topic of this.handlers.keys()) this.tell(topic);
      else this.tell(payload as Topic);
    });
  }

  /** Tells everybody, once the surrounding transaction has committed. */
  announce(topic: Topic): void {
    this.database.afterCommit(() => {
      this.tell(topic);
      if (!this.listener.hasOthers) return;
      this.unsent.add(topic);
      this.sending ??= this.send().finally(() => (this.sending = undefined));
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.sending;
    await this.listener.stop();
  }

  private tell(topic: Topic): void {
    for (const handler of this.handlers.get(topic) ?? []) handler();
  }

  /**
   * Outside of the transactions, and one statement for all that gathered meanwhile: PostgreSQL lets transactions that notify commit only
   * one after the other.
   */
  private async send(): Promise<void> {
    while (this.unsent.size > 0) {
      const topics = [...this.unsent];
      this.unsent.clear();
      await this.database
        .query('SELECT pg_notify($1, topic) FROM unnest($2::text[]) AS topic', [CHANNEL, topics])
        // The others find out when they look.
        .catch(() => undefined);
    }
  }
}
