import { createHash } from 'node:crypto';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
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
import { RedisCounters } from './redis-counters.js';

/** The counters of one limit. */
interface Limiter {
  readonly memory: RateLimiterAbstract;
  readonly shared: RateLimiterAbstract | undefined;
}

/**
 * Counts requests: in Redis, so that all replicas count together, or else in memory. While Redis is away each replica counts for
 * itself, so that an outage neither locks users out nor opens the doors.
 */
@Injectable()
export class RateLimiter implements OnApplicationShutdown {
  private readonly limiters = new Map<RateLimitName, Limiter>();
  private readonly redis: RedisCounters | undefined;

  constructor(
    @Inject(AUTHFORT_CONFIG) { rateLimit }: AuthFortConfig,
    private readonly events: EventBus,
  ) {
    if (rateLimit === false) return;
    this.redis = rateLimit.redisUrl === undefined ? undefined : new RedisCounters(rateLimit.redisUrl);
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
    this.redis?.close();
  }

  /** @returns the seconds to wait, when it is beyond the limit */
  private async count(name: RateLimitName, ip: string, subject: string): Promise<number | undefined> {
    const limiter = this.limiters.get(name);
    if (!limiter) return undefined;
    try {
      await this.consumeOne(limiter, keyOf(ip, subject));
      return undefined;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      await this.events.emit('rate_limit_exceeded', { limit: name, ip });
      return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
    }
  }

  private async consumeOne({ memory, shared }: Limiter, key: string): Promise<void> {
    if (shared && this.redis?.worthAsking()) {
      try {
        await shared.consume(key);
        return this.redis.answered();
      } catch (error) {
        if (error instanceof RateLimiterRes) {
          this.redis.answered();
          throw error;
        }
        this.redis.failed(error);
      }
    }
    await memory.consume(key);
  }

  private limiter(name: RateLimitName, { points, durationSeconds }: RateLimitRule): Limiter {
    const settings = { keyPrefix: `authfort:${name}`, points, duration: durationSeconds };
    const shared = this.redis && new RateLimiterRedis({ ...settings, storeClient: this.redis.client });
    return { memory: new RateLimiterMemory(settings), shared };
  }
}

/** The subject is hashed: an e-mail address is not for Redis to keep. */
function keyOf(ip: string, subject: string): string {
  const network = networkOf(ip);
  return subject ? `${network}|${createHash('sha256').update(subject).digest('base64url')}` : network;
}
