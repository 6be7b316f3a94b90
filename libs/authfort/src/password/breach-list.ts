import { createHash } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock, OutgoingRequests, textOf } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';

const MAX_CACHED = 100;
const CACHE_MS = 3_600_000;
/** A range has some 2000 lines of 40 bytes. */
const MAX_LENGTH = 1_048_576;

/**
 * Asks the range API of Pwned Passwords whether a password is known from a breach. It learns the first five characters of a SHA-1 and
 * nothing else (k-anonymity, https://haveibeenpwned.com/API/v3#PwnedPasswords).
 */
@Injectable()
export class BreachList {
  private readonly logger = new Logger(BreachList.name);
  private readonly cache = new Map<string, { suffixes: ReadonlySet<string>; until: number }>();

  constructor(
    @Inject(AUTHFORT_CONFIG)
    private readonly config: {
      readonly passwordPolicy: Pick<AuthFortConfig['passwordPolicy'], 'breachCheck'>;
    },
    private readonly clock: Clock,
    private readonly outgoing: OutgoingRequests,
  ) {}

  /** False also where the check is off, or the list cannot be asked. @throws AuthFortError `unavailable` with `failClosed` */
  async contains(password: string): Promise<boolean> {
    const { breachCheck } = this.config.passwordPolicy;
    if (!breachCheck) return false;
    const digest = createHash('sha1').update(password).digest('hex').toUpperCase();
    try {
      return (await this.range(digest.slice(0, 5))).has(digest.slice(5));
    } catch (error) {
      const reason = `The list of breached passwords is unavailable: ${reasonOf(error)}`;
      if (breachCheck.failClosed)
        throw authError('unavailable', { retryAfterSeconds: 5, cause: new Error(reason) });
      this.logger.warn(reason);
      return false;
    }
  }

  private async range(prefix: string): Promise<ReadonlySet<string>> {
    const now = this.clock.now().getTime();
    const cached = this.cache.get(prefix);
    if (cached && cached.until > now) return cached.suffixes;
    const { url, timeoutMs } = this.config.passwordPolicy.breachCheck!;
    const suffixes = await this.outgoing.run(timeoutMs, (signal) => fetchSuffixes(url + prefix, signal));
    this.cache.delete(prefix);
    // The oldest entry goes first: a Map keeps the order of insertion.
    if (this.cache.size >= MAX_CACHED) this.cache.delete(this.cache.keys().next().value!);
    this.cache.set(prefix, { suffixes, until: now + CACHE_MS });
    return suffixes;
  }
}

async function fetchSuffixes(url: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const headers = { 'add-padding': 'true', 'user-agent': 'authfort' };
  const response = await fetch(url, { headers, redirect: 'error', signal });
  if (!response.ok) {
    await response.body?.cancel();
    throw new ListError(`it answered ${response.status}`);
  }
  return parse(await textOf(response, signal, MAX_LENGTH, tooLong));
}

/** A fault of the list, in words of ours. */
class ListError extends Error {}

/** What others throw may hold the address, and so five characters of the hash. */
function reasonOf(error: unknown): string {
  return error instanceof ListError ? error.message : (error as Error).name;
}

function tooLong(): Error {
  return new ListError('its answer is too long');
}

/** The suffixes in `SUFFIX:count` lines. What is no list must not count as one in which nothing was found. */
function parse(text: string): ReadonlySet<string> {
  const suffixes = new Set<string>();
  for (const line of text.toUpperCase().split('\n')) {
    const [, suffix, count] = /^([0-9A-F]{35}):(\d+)$/.exec(line.trim()) ?? [];
    if (suffix === undefined && line.trim() !== '') throw new ListError('its answer is not a list');
    // Padding has the count 0.
    if (suffix !== undefined && Number(count) > 0) suffixes.add(suffix);
  }
  return suffixes;
}
