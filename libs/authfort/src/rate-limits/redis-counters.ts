import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import type { RateLimitName, RateLimitRule } from '../options/auth-fort.options.js';
import { LEVELS, type Refusal } from './counters.js';

/** Redis hangs when it takes longer. */
const COMMAND_TIMEOUT_MS = 500;
/** How long Redis is left alone after it has failed. */
const REST_MS = 5000;

/** New clients of one limit in a window, over all replicas; it bounds what Redis has to keep. */
const NEW_CLIENTS = 100_000;

/**
 * Counts all keys of a request or none, in one step. KEYS: the count of new clients, then the client and the networks around it. ARGV:
 * the window in milliseconds, the bound of new clients, the limit of each key. Every key expires. One more than the limit notes that the
 * first refusal has been answered.
 */
const TAKE = `
local function wait(key)
  local ttl = redis.call('PTTL', key)
  if ttl >= 0 then return ttl end
  redis.call('PEXPIRE', key, ARGV[1])
  return tonumber(ARGV[1])
end
local function count(key)
  local n = redis.call('INCR', key)
  if n == 1 then redis.call('PEXPIRE', key, ARGV[1]) end
  return n
end
for i = 2, #KEYS do
  local n, limit = tonumber(redis.call('GET', KEYS[i]) or '0'), tonumber(ARGV[i + 1])
  if n >= limit then
    if n == limit then redis.call('INCR', KEYS[i]) end
    return { wait(KEYS[i]), n == limit and 1 or 0 }
  end
end
if redis.call('EXISTS', KEYS[2]) == 0 then
  local n, limit = count(KEYS[1]), tonumber(ARGV[2])
  if n > limit then return { wait(KEYS[1]), n == limit + 1 and 1 or 0 } end
end
for i = 2, #KEYS do count(KEYS[i]) end
return nil`;

interface Script {
  authfortTake(keys: number, ...args: (string | number)[]): Promise<[number, number] | null>;
}

/**
 * The connection to Redis, and whether it is worth asking. A Redis that is away refuses at once; one that hangs lets its first request
 * wait for half a second, and from then on one request every five seconds tries it again while the others do without.
 */
export class RedisCounters {
  private readonly client: Redis;
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
    this.client.defineCommand('authfortTake', { lua: TAKE });
    this.client.on('error', (error: Error) => this.failed(error));
    this.client.on('ready', () => this.answered());
  }

  /** As {@link MemoryCounters.take}, for all replicas. @throws Error when Redis is unavailable */
  async take(
    name: RateLimitName,
    { points, durationSeconds }: RateLimitRule,
    keys: readonly string[],
  ): Promise<Refusal | undefined> {
    const names = ['#new', ...keys].map((key) => `authfort:${name}:${key}`);
    const limits = keys.map((_, level) => points * LEVELS[level]!);
    const refused = await (this.client as unknown as Script).authfortTake(
      names.length,
      ...names,
      durationSeconds * 1000,
      NEW_CLIENTS,
      ...limits,
    );
    return refused ? { waitMs: refused[0], first: refused[1] === 1 } : undefined;
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
