import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { ReplicaSignal } from '../database/replica-signal.js';
import { reasonOf } from '../errors/reason-of.js';
import { EventBus } from '../events/event-bus.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { SigningAlgorithm } from '../options/auth-fort.options.js';
import { KeyRing } from './key-ring.js';
import { type NewSigningKey, SigningKeyRepository, type StoredSigningKey } from './signing-key.repository.js';

const CHECK_EVERY_MS = 60_000;

/** Rotates the signing keys, by the schedule and by hand. */
@Injectable()
export class KeyRotationService implements OnModuleDestroy {
  private readonly logger = new Logger(KeyRotationService.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly signal: ReplicaSignal,
    private readonly repository: SigningKeyRepository,
    private readonly ring: KeyRing,
    private readonly events: EventBus,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** Looks once a minute whether a rotation is due. */
  startSchedule(): void {
    this.timer = setInterval(() => void this.tickQuietly(), CHECK_EVERY_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** The published keys, newest first. */
  list(): Promise<StoredSigningKey[]> {
    return this.repository.published(this.clock.now());
  }

  /**
   * Makes `next` the current key and publishes another `next`.
   * @param algorithm of the key that is published; default: the configured one
   * @returns the kid of the new current key
   */
  async rotate(algorithm?: SigningAlgorithm): Promise<string> {
    const rotated = await this.rotateUnlessNewer(await this.ring.generate(algorithm));
    return rotated!.newKid;
  }

  /**
   * Takes a key out of the JWKS at once: tokens that it signed are refused here now, at the services that follow the feed within a second,
   * and at others when their cached JWKS ends. @returns false when there is no such key.
   */
  async compromise(kid: string, algorithm?: SigningAlgorithm): Promise<boolean> {
    const fresh = await this.ring.generate(algorithm);
    const found = await this.database.transaction(async () => {
      const deleted = await this.repository.compromise(kid, fresh, this.clock.now());
      if (!deleted) return false;
      await this.events.emit('key_compromised', { kid });
      this.signal.announce('keys');
      return true;
    });
    await this.ring.reload();
    return found;
  }

  /** One turn of the schedule: rotates when the current key has signed long enough, and removes keys that are gone. */
  async tick(): Promise<void> {
    const now = this.clock.now();
    await this.repository.prune(now);
    if (this.config.keyRotationSeconds === 0) return;
    const activatedBefore = new Date(now.getTime() - this.config.keyRotationSeconds * 1000);
    const current = (await this.list()).find((key) => key.state === 'current');
    // Generating a key costs CPU; the decision itself is made under the lock.
    if (!current || current.activatedAt! > activatedBefore) return;
    await this.rotateUnlessNewer(await this.ring.generate(), activatedBefore);
  }

  private async rotateUnlessNewer(
    fresh: NewSigningKey,
    activatedBefore?: Date,
  ): Promise<{ oldKid: string; newKid: string } | undefined> {
    const rotated = await this.database.transaction(async () => {
      const kids = await this.repository.rotate(fresh, this.clock.now(), activatedBefore);
      if (!kids) return undefined;
      await this.events.emit('key_rotated', kids);
      this.signal.announce('keys');
      return kids;
    });
    await this.ring.reload();
    return rotated;
  }

  private async tickQuietly(): Promise<void> {
    try {
      await this.tick();
    } catch (error) {
      this.logger.warn(`The key schedule could not run; it tries again in a minute: ${reasonOf(error)}`);
    }
  }
}
