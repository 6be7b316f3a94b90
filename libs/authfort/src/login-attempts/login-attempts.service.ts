import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { MemoryCounters } from '../rate-limits/counters.js';
import { networkOf } from '../rate-limits/network-of.js';
import { type AttemptSource, LoginAttemptsRepository } from './login-attempts.repository.js';

/** What a password is compared with. */
export interface PasswordCredential {
  readonly userId: string;
  readonly passwordHash: string | null;
  readonly banned: boolean;
}

/** How long a network that the owner has signed in from is known, in seconds. */
const KNOWN_SECONDS = 2_592_000;

/**
 * Bounds how many passwords can be tried at one account, over all client addresses and replicas together. Whoever comes from where
 * the owner has signed in before is counted by themselves: strangers cannot use up the owner's attempts.
 */
@Injectable()
export class LoginAttemptsService {
  private readonly key: Buffer;
  private readonly announced = new MemoryCounters({ points: 1, durationSeconds: 60 });

  constructor(
    private readonly attempts: LoginAttemptsRepository,
    private readonly events: EventBus,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {
    const secret = config.keyEncryptionSecret ?? randomBytes(32).toString('base64');
    this.key = Buffer.from(hkdfSync('sha256', secret, '', 'authfort login attempts v1', 32));
  }

  /**
   * Call it before a password is compared, and {@link welcome} after the sign-in.
   * @returns undefined for an address without an account
   * @throws AuthFortError `rate_limit_exceeded`, for an address without an account as well
   */
  async admit(email: string, ip: string): Promise<PasswordCredential | undefined> {
    const rule = this.config.rateLimit ? this.config.rateLimit.rules.passwordGuesses : undefined;
    const now = this.clock.now();
    const windowEnds = later(now, rule?.durationSeconds ?? 0);
    const found = await this.attempts.admit(
      email,
      this.source(email, ip),
      rule?.points ?? null,
      now,
      windowEnds,
    );
    if (!found.admitted) {
      // The first refusal of a minute only: a client that goes on must not be able to fill a queue of events.
      if (!this.announced.take([`${email}|${networkOf(ip)}`], now.getTime()))
        await this.events.emit('rate_limit_exceeded', { limit: 'passwordGuesses', ip });
      const wait = (found.windowEnds ?? windowEnds).getTime() - now.getTime();
      throw authError('rate_limit_exceeded', { retryAfterSeconds: Math.max(1, Math.ceil(wait / 1000)) });
    }
    const { userId, passwordHash, banned } = found;
    return userId === null ? undefined : { userId, passwordHash, banned: banned === true };
  }

  /**
   * The owner has just shown that it is them. Part of the surrounding transaction.
   * @param byPassword whether it was by an attempt that {@link admit} has counted
   */
  async welcome(email: string, ip: string, byPassword: boolean): Promise<void> {
    if (!this.config.rateLimit) return;
    const now = this.clock.now();
    await this.attempts.welcome(this.source(email, ip), byPassword, now, later(now, KNOWN_SECONDS));
  }

  /** Whoever has signed in until now need not have been the owner. */
  forgetNetworks(email: string): Promise<void> {
    return this.attempts.forgetNetworks(this.hash('address', email));
  }

  private source(email: string, ip: string): AttemptSource {
    const network = networkOf(ip);
    return {
      addressHash: this.hash('address', email),
      networkHash: network ? this.hash('network', `${email} ${network}`) : Buffer.alloc(0),
    };
  }

  private hash(kind: string, text: string): Buffer {
    return createHmac('sha256', this.key).update(`${kind} ${text}`).digest();
  }
}

function later(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * 1000);
}
