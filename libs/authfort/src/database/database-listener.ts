import { Logger } from '@nestjs/common';
import type pg from 'pg';
import type { DataSource } from 'typeorm';

/** What of pg's pool is used: connections like its own, beside it. */
interface Pool {
  readonly Client: new (options: object) => pg.Client;
  readonly options: { readonly stream?: unknown };
}

const RECONNECT_MS = 1000;

/**
 * Listens to PostgreSQL's notifications, on a connection of its own. A connection that breaks is made again; since what came meanwhile is
 * lost, the handler is called without a payload then.
 */
export class DatabaseListener {
  private readonly logger = new Logger('AuthFort');
  private readonly pool: Pool;
  private client: pg.Client | undefined;
  private retry: NodeJS.Timeout | undefined;
  private stopped = false;
  private away = false;

  constructor(dataSource: DataSource) {
    this.pool = (dataSource.driver as unknown as { master: Pool }).master;
  }

  /** Whether other processes can be at this database: not at the embedded one, which has a single connection. */
  get hasOthers(): boolean {
    return this.pool.options.stream === undefined;
  }

  /** Calls `handler` with the payload of each notification of the channel. It must not throw. */
  listen(channel: string, handler: (payload?: string) => void): void {
    if (this.hasOthers) void this.connect(channel, handler);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retry);
    await this.client?.end().catch(() => undefined);
  }

  private async connect(channel: string, handler: (payload?: string) => void): Promise<void> {
    const client = new this.pool.Client(this.pool.options);
    const again = (reason: unknown): void => {
      if (this.stopped || this.client !== client) return;
      this.client = undefined;
      if (!this.away)
        this.logger.warn(
          `Notifications of the database are not heard (${String(reason)}); changes of other replicas are noticed a little later meanwhile`,
        );
      this.away = true;
      void client.end().catch(() => undefined);
      this.retry = setTimeout(() => void this.connect(channel, handler), RECONNECT_MS).unref();
    };
    this.client = client;
    client.on('error', again);
    client.on('end', () => again('the connection ended'));
    client.on('notification', ({ payload }) => handler(payload));
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
    } catch (error) {
      again(error);
      return;
    }
    if (this.away) this.logger.log('Notifications of the database are heard again');
    this.away = false;
    // What came before is not repeated.
    handler();
  }
}
