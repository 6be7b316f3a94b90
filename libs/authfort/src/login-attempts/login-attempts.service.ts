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
  readonly emailVerified: boolean;
}

/** A password attempt that has been counted. */
export interface PasswordAttempt {
  /** Undefined for an address without an account, and for an attempt that is refused even with the right password. */
  readonly credential: PasswordCredential | undefined;
  /** The count that {@link LoginAttemptsService.welcome} takes back after the sign-in. */
  readonly counted: boolean;
  /** Seconds until the next attempt, if a wrong password is to be answered `rate_limit_exceeded`. */
  readonly retryAfterSeconds: number | undefined;
}

/** How long a network that the owner has signed in from is known, in seconds. */
const KNOWN_SECONDS = 2_592_000;

/**
 * Bounds how many passwords can be tried at one address, over all client addresses and replicas together. Beyond the limit, networks with
 * earlier sign-ins to the account still have attempts, so strangers cannot lock the owner out. Only the right password reveals that: the
 * answer to a wrong one depends on the count of the address alone, and unknown addresses have that count too.
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
   * Call it before a password is compared. Compare the password for every result. Then call {@link refuse} for a wrong password, or {@link
   * welcome} after the sign-in.
   */
  async admit(email: string, ip: string): Promise<PasswordAttempt> {
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
    const { userId, passwordHash, counted, withinLimit, fromKnownNetwork } = found;
    const wait = (found.windowEnds ?? windowEnds).getTime() - now.getTime();
    const credential =
      userId === null || !(withinLimit || fromKnownNetwork)
        ? undefined
        : {
            userId,
            passwordHash,
            banned: found.banned === true,
            emailVerified: found.emailVerified === true,
          };
    const retryAfterSeconds = withinLimit ? undefined : Math.max(1, Math.ceil(wait / 1000));
    return { credential, counted, retryAfterSeconds };
  }

  /** Answers a wrong password beyond the limit. @throws AuthFortError `rate_limit_exceeded` */
  async refuse({ retryAfterSeconds }: PasswordAttempt, email: string, ip: string): Promise<void> {
    if (retryAfterSeconds === undefined) return;
    // Only the first refusal of a minute: a persistent client must not be able to fill a queue of events.
    if (!this.announced.take([`${email}|${networkOf(ip)}`], this.clock.now().getTime()))
      await this.events.emit('rate_limit_exceeded', { limit: 'passwordGuesses', ip });
    throw authError('rate_limit_exceeded', { retryAfterSeconds });
  }

  /**
   * The owner has just shown that it is them. Part of the surrounding transaction.
   * @param counted whether it was by an attempt that {@link admit} has counted
   */
  async welcome(email: string, ip: string, counted: boolean): Promise<void> {
    const now = this.clock.now();
    await this.attempts.welcome(this.source(email, ip), counted, now, later(now, KNOWN_SECONDS));
  }

  /** Whether the account of the address was made, or signed in to, from the network of `ip` within 30 days. */
  isKnownNetwork(email: string, ip: string): Promise<boolean> {
    return this.attempts.isKnown(this.source(email, ip), this.clock.now());
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
