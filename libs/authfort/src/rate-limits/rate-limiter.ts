import { createHash } from 'node:crypto';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { RateLimitName, RateLimitRule } from '../options/auth-fort.options.js';
import { MemoryCounters, type Refusal } from './counters.js';
import { networkOf, widerNetworksOf } from './network-of.js';
import { RedisCounters } from './redis-counters.js';

/** One limit, and its counts in this process. */
interface Limiter {
  readonly rule: RateLimitRule;
  readonly memory: MemoryCounters;
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
    private readonly clock: Clock,
  ) {
    if (rateLimit === false) return;
    this.redis = rateLimit.redisUrl === undefined ? undefined : new RedisCounters(rateLimit.redisUrl);
    for (const [name, rule] of Object.entries(rateLimit.rules) as [RateLimitName, RateLimitRule][]) {
      this.limiters.set(name, { rule, memory: new MemoryCounters(rule) });
    }
  }

  /**
   * Counts one request of `ip`. Without a subject it is counted for the networks around the client too, which may make ten and a hundred
   * times as many requests. The first refusal of a window emits the event `rate_limit_exceeded`.
   * @throws AuthFortError `rate_limit_exceeded` with the seconds to wait
   */
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
    const refusal = await this.take(name, limiter, keysOf(ip, subject));
    if (!refusal) return undefined;
    // A client that continues beyond the limit must not be able to fill a queue of events.
    if (refusal.first) await this.events.emit('rate_limit_exceeded', { limit: name, ip });
    return Math.max(1, Math.ceil(refusal.waitMs / 1000));
  }

  private async take(
    name: RateLimitName,
    { rule, memory }: Limiter,
    keys: readonly string[],
  ): Promise<Refusal | undefined> {
    if (this.redis?.worthAsking()) {
      try {
        const refusal = await this.redis.take(name, rule, keys);
        this.redis.answered();
        return refusal;
      } catch (error) {
        this.redis.failed(error);
      }
    }
    return memory.take(keys, this.clock.now().getTime());
  }
}

/**
 * The client, and the networks around it that one operator may hold. Where there is a subject, the client's requests are counted by
 * another limit too. The subject is hashed: an e-mail address is not for Redis to keep.
 */
function keysOf(ip: string, subject: string): string[] {
  const network = networkOf(ip);
  const keys = subject
    ? [`${network}|${createHash('sha256').update(subject).digest('base64url')}`]
    : [network, ...widerNetworksOf(ip)];
  // Copies: a part of a header keeps all of the header in memory.
  return keys.map((key) => Buffer.from(key, 'latin1').toString('latin1'));
}
