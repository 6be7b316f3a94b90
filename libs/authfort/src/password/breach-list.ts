import { createHash } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { authError } from '../errors/catalog.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';

const MAX_CACHED = 500;
const CACHE_MS = 3_600_000;

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
  ) {}

  /** False also where the check is off, or the list cannot be asked. @throws AuthFortError `unavailable` with `failClosed` */
  async contains(password: string): Promise<boolean> {
    const { breachCheck } = this.config.passwordPolicy;
    if (!breachCheck) return false;
    const digest = createHash('sha1').update(password).digest('hex').toUpperCase();
    try {
      return (await this.range(digest.slice(0, 5))).has(digest.slice(5));
    } catch (error) {
      this.logger.warn(`The list of breached passwords could not be asked: ${(error as Error).name}`);
      if (breachCheck.failClosed) throw authError('unavailable', { retryAfterSeconds: 5 });
      return false;
    }
  }

  private async range(prefix: string): Promise<ReadonlySet<string>> {
    const cached = this.cache.get(prefix);
    if (cached && cached.until > performance.now()) return cached.suffixes;
    const { url, timeoutMs } = this.config.passwordPolicy.breachCheck!;
    const response = await fetch(url + prefix, {
      headers: { 'add-padding': 'true' },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const lines = (await response.text()).split('\n').map((line) => line.trim().toUpperCase().split(':'));
    // Padding has the count 0.
    const suffixes = new Set(
      lines.flatMap(([suffix, count]) => (suffix && Number(count) > 0 ? [suffix] : [])),
    );
    this.cache.delete(prefix);
    // The oldest entry goes first: a Map keeps the order of insertion.
    if (this.cache.size >= MAX_CACHED) this.cache.delete(this.cache.keys().next().value!);
    this.cache.set(prefix, { suffixes, until: performance.now() + CACHE_MS });
    return suffixes;
  }
}
