import { createHash } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
} from 'rate-limiter-flexible';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { RateLimitName, RateLimitRule } from '../options/auth-fort.options.js';
import { networkOf } from './network-of.js';

/**
 * Counts requests: in Redis, so that all replicas count together, or else in memory. While Redis is away each replica counts for
 * itself, so that an outage neither locks users out nor opens the doors.
 */
@Injectable()
export class RateLimiter implements OnApplicationShutdown {
  private readonly logger = new Logger(RateLimiter.name);
  private readonly limiters = new Map<RateLimitName, RateLimiterAbstract>();
  private readonly redis: Redis | undefined;

  constructor(
    @Inject(AUTHFORT_CONFIG) { rateLimit }: AuthFortConfig,
    private readonly events: EventBus,
  ) {
    if (rateLimit === false) return;
    this.redis = rateLimit.redisUrl === undefined ? undefined : this.connect(rateLimit.redisUrl);
    for (const [name, rule] of Object.entries(rateLimit.rules) as [RateLimitName, RateLimitRule][]) {
      this.limiters.set(name, this.limiter(name, rule));
    }
  }

  /** Counts one request of `ip`. @throws AuthFortError `rate_limit_exceeded` with the seconds to wait */
  async consume(name: RateLimitName, ip: string, subject = ''): Promise<void> {
    const retryAfterSeconds = await this.count(name, ip, subject);
    if (retryAfterSeconds !== undefined) throw authError('rate_limit_exceeded', { retryAfterSeconds });
  }

  /** Counts one, for what is left out beyond the limit instead of refused. @returns whether it is within the limit */
  async allows(name: RateLimitName, ip: string, subject = ''): Promise<boolean> {
    return (await this.count(name, ip, subject)) === undefined;
  }

  /** Not sooner: requests that are under way when the server is asked to stop are counted too. */
  onApplicationShutdown(): void {
    this.redis?.disconnect();
  }

  /** @returns the seconds to wait, when it is beyond the limit */
  private async count(name: RateLimitName, ip: string, subject: string): Promise<number | undefined> {
    const limiter = this.limiters.get(name);
    if (!limiter) return undefined;
    try {
      await limiter.consume(keyOf(ip, subject));
      return undefined;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      await this.events.emit('rate_limit_exceeded', { limit: name, ip });
      return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
    }
  }

  private limiter(name: RateLimitName, { points, durationSeconds }: RateLimitRule): RateLimiterAbstract {
    const settings = { keyPrefix: `authfort:${name}`, points, duration: durationSeconds };
    const memory = new RateLimiterMemory(settings);
    return this.redis
      ? new RateLimiterRedis({ ...settings, storeClient: this.redis, insuranceLimiter: memory })
      : memory;
  }

  private connect(url: string): Redis {
    // A request never waits for Redis to come back: it is counted in memory meanwhile.
    const redis = new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 500 });
    let away = false;
    redis.on('error', (error: Error) => {
      if (!away)
        this.logger.warn(
          `Redis is away (${error.message}); rate limits are counted in this process meanwhile`,
        );
      away = true;
    });
    redis.on('ready', () => {
      if (away) this.logger.log('Redis is back; rate limits are shared again');
      away = false;
    });
    return redis;
  }
}

/** The subject is hashed: an e-mail address is not for Redis to keep. */
function keyOf(ip: string, subject: string): string {
  const network = networkOf(ip);
  return subject ? `${network}|${createHash('sha256').update(subject).digest('base64url')}` : network;
}
