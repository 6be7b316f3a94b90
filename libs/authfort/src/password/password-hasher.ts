import { Algorithm, hash, type Options, verify, Version } from '@node-rs/argon2';
import { Inject, Injectable } from '@nestjs/common';
import { authError } from '../errors/catalog.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
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

/**
 * argon2id in the thread pool. Each hash takes 64 MiB and one thread, so a bounded number runs at once and a bounded number
 * waits; one more is refused at once, and everything else stays quick.
 */
@Injectable()
export class PasswordHasher {
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private decoy: Promise<string> | undefined;
  /** Tests that are not about hashing make it cheap. */
  protected readonly settings: Options = SETTINGS;

  constructor(@Inject(AUTHFORT_CONFIG) private readonly config: Pick<AuthFortConfig, 'passwordHashing'>) {}

  /** A PHC string `$argon2id$v=19$m=65536,t=3,p=4$salt$hash` of the normalised password. @throws AuthFortError `overloaded` */
  hash(password: string): Promise<string> {
    return this.admitted(() => hash(normalizePassword(password), this.settings));
  }

  /**
   * Compares a password with a stored hash, also one of Python's argon2-cffi: the typed form, then the normalised form if it differs.
   * Without a hash it does the same work against a decoy, so that an unknown account takes as long as a known one.
   * @throws AuthFortError `overloaded`
   */
  verify(stored: string | null | undefined, password: string): Promise<PasswordVerdict> {
    return this.admitted(async () => {
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
    // Not even this may tell by its time that the account exists.
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

  private async admitted<T>(work: () => Promise<T>): Promise<T> {
    const { concurrency, queue } = this.config.passwordHashing;
    if (this.running >= concurrency) {
      if (this.waiting.length >= queue)
        throw authError('overloaded', {
          retryAfterSeconds: 2,
          cause: `${queue} password hashes are waiting`,
        });
      // The one that finishes hands its place over, so `running` stays as it is.
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else {
      this.running += 1;
    }
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
