import { AsyncLocalStorage } from 'node:async_hooks';
import { Algorithm, hash, type Options, verify, Version } from '@node-rs/argon2';
import { Inject, Injectable } from '@nestjs/common';
import { authError } from '../errors/catalog.js';
import { currentActor } from '../events/actor.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { fairShareOf } from '../rate-limits/network-of.js';
import { HashingPlaces } from './hashing-places.js';
import { normalizePassword, passwordForms } from './password.policy.js';

/** RFC 9106 §4, second recommended option: 64 MiB, 3 passes, 4 lanes. */
const SETTINGS = {
  algorithm: Algorithm.Argon2id,
  version: Version.V0x13,
  memoryCost: 65_536,
  timeCost: 3,
  parallelism: 4,
  outputLen: 32,
} as const;

/** Whether a password matched, and whether its hash deserves to be made anew, or cannot be read at all. */
export interface PasswordVerdict {
  readonly matches: boolean;
  readonly outdated: boolean;
  readonly unreadable: boolean;
}

/** The place that the work of one request holds. */
interface Reservation {
  held: boolean;
}

/**
 * argon2id in the thread pool. Each hash takes 64 MiB and one thread, so a bounded number runs at a time and a bounded number waits,
 * fairly between client networks. Further requests are refused as `overloaded` before they cost anything, and other requests stay fast.
 */
@Injectable()
export class PasswordHasher {
  private readonly places: HashingPlaces;
  private readonly scope = new AsyncLocalStorage<Reservation>();
  private decoy: Promise<string> | undefined;
  /** Tests that are not about hashing make it cheap. */
  protected readonly settings: Options = SETTINGS;

  constructor(@Inject(AUTHFORT_CONFIG) config: Pick<AuthFortConfig, 'passwordHashing'>) {
    this.places = new HashingPlaces(config.passwordHashing);
  }

  /**
   * Waits for a place and runs `work` in it; its hashes and comparisons are then not refused. Count attempts and query the database within
   * `work`: a refused request must have done neither. A call within another reservation uses that one.
   * @throws AuthFortError `overloaded` before `work` has begun, and what `work` throws
   */
  async reserved<T>(work: () => Promise<T>): Promise<T> {
    if (this.scope.getStore()?.held) return work();
    const granted = this.places.acquire(fairShareOf(currentActor()?.client.ip ?? ''));
    if (granted !== true && !(await granted))
      throw authError('overloaded', { retryAfterSeconds: 2, cause: 'too many password hashes are waiting' });
    const reservation = { held: true };
    try {
      return await this.scope.run(reservation, work);
    } finally {
      reservation.held = false;
      this.places.release();
    }
  }

  /** A user has signed in from `ip`: its network keeps a chance of a place while others flood the queue. */
  trust(ip: string): void {
    this.places.trust(fairShareOf(ip));
  }

  /** Within a reservation: gives the place to others during `work`, which waits for something else than a hash. */
  async paused<T>(work: () => Promise<T>): Promise<T> {
    return this.scope.getStore()?.held ? this.places.pause(work) : work();
  }

  /**
   * A PHC string `$argon2id$v=19$m=65536,t=3,p=4$salt$hash` of the normalised password.
   * @throws AuthFortError `overloaded` outside of a reservation
   */
  hash(password: string): Promise<string> {
    return this.reserved(() => hash(normalizePassword(password), this.settings));
  }

  /**
   * Compares a password with a stored hash, also one of Python's argon2-cffi: the typed form, then the normalised form if it differs.
   * Without a hash it does the same work against a decoy: an unknown account takes as long as a known one.
   * @throws AuthFortError `overloaded` outside of a reservation
   */
  verify(stored: string | null | undefined, password: string): Promise<PasswordVerdict> {
    return this.reserved(async () => {
      const weak = stored != null && !stored.startsWith(this.prefix);
      let unreadable = false;
      for (const form of passwordForms(password)) {
        const matches = await this.compare(stored, form);
        if (matches && stored != null)
          return { matches, outdated: weak || form !== normalizePassword(password), unreadable };
        unreadable ||= matches === undefined;
      }
      return { matches: false, outdated: weak, unreadable };
    });
  }

  /** @returns undefined for a hash that cannot be read */
  private async compare(stored: string | null | undefined, form: string): Promise<boolean | undefined> {
    const matches = await verify(stored ?? (await this.decoyHash()), form).catch(() => undefined);
    // The time must not reveal that the account exists.
    if (matches === undefined) await verify(await this.decoyHash(), form);
    return matches;
  }

  /** Makes the decoy ahead of the first request that needs it. */
  async prepare(): Promise<void> {
    await this.decoyHash();
  }

  /** How hashes of the present settings begin. */
  private get prefix(): string {
    const { memoryCost, timeCost, parallelism } = this.settings;
    return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`;
  }

  private decoyHash(): Promise<string> {
    this.decoy ??= hash('decoy', this.settings);
    return this.decoy;
  }
}
