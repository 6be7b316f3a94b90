import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';

/** Redis hangs when it takes longer. */
const COMMAND_TIMEOUT_MS = 500;
/** How long Redis is left alone after it has failed. */
const REST_MS = 5000;

/**
 * The connection to Redis, and whether it is worth asking. A Redis that is away refuses at once; one that hangs lets its first request
 * wait for half a second, and from then on one request every five seconds tries it again while the others do without.
 */
export class RedisCounters {
  readonly client: Redis;
  private readonly logger = new Logger('RateLimiter');
  private away = false;
  private restsUntil = 0;

  constructor(url: string) {
    // Commands are never kept for when Redis is back: the request is counted in memory meanwhile.
    this.client = new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      commandTimeout: COMMAND_TIMEOUT_MS,
    });
    this.client.on('error', (error: Error) => this.failed(error));
    this.client.on('ready', () => this.answered());
  }

  /** Whether this request should ask Redis. */
  worthAsking(): boolean {
    if (!this.away) return true;
    const now = performance.now();
    if (now < this.restsUntil) return false;
    // One asks; the others wait for what it hears.
    this.restsUntil = now + REST_MS;
    return true;
  }

  /** Redis has failed. */
  failed(error: unknown): void {
    this.restsUntil = performance.now() + REST_MS;
    if (!this.away)
      this.logger.warn(
        `Redis is away (${error instanceof Error ? error.message : String(error)}); rate limits are counted in this process meanwhile`,
      );
    this.away = true;
  }

  /** Redis has answered. */
  answered(): void {
    if (this.away) this.logger.log('Redis is back; rate limits are shared again');
    this.away = false;
  }

  close(): void {
    this.client.disconnect();
  }
}
