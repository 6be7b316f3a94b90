import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { SigningAlgorithm } from '../options/auth-fort.options.js';
import type { SigningKeyState } from './signing-key.entity.js';

/** A row of `authfort_signing_keys`. */
export interface StoredSigningKey {
  kid: string;
  algorithm: SigningAlgorithm;
  state: SigningKeyState;
  sealedPrivateKey: string;
  publicJwk: Record<string, string>;
  createdAt: Date;
  trustedFrom: Date;
  activatedAt: Date | null;
  verifiesUntil: Date | null;
}

/** A generated key, sealed and ready to be stored. */
export type NewSigningKey = Pick<StoredSigningKey, 'kid' | 'algorithm' | 'sealedPrivateKey' | 'publicJwk'>;

const COLUMNS = `kid, algorithm, state, sealed_private_key AS "sealedPrivateKey", public_jwk AS "publicJwk",
  created_at AS "createdAt", trusted_from AS "trustedFrom", activated_at AS "activatedAt", verifies_until AS "verifiesUntil"`;

/** Replicas look for changes this often (seconds); see KeyRing. */
export const KEY_POLL_SECONDS = 2;
/** Slack for clocks that differ and for the services' own fetch cool-down (seconds). */
const LEAD_MARGIN_SECONDS = 15;

/**
 * The life cycle of the signing keys. Each change is one transaction under one advisory lock, so that replicas which act at
 * the same moment act one after the other; the partial unique indexes hold even without it.
 */
@Injectable()
export class SigningKeyRepository {
  constructor(
    private readonly database: Database,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** The keys that are published: next, current, and retiring ones that tokens may still be verified with. */
  published(now: Date): Promise<StoredSigningKey[]> {
    return this.database.query<StoredSigningKey>(
      `SELECT ${COLUMNS} FROM authfort_signing_keys
       WHERE state <> 'retiring' OR verifies_until > $1
       ORDER BY activated_at DESC NULLS FIRST, kid`,
      [now],
    );
  }

  /** Makes the first pair of keys, unless there is one. The winner of several simultaneous starts says for all. */
  async establish(current: NewSigningKey, next: NewSigningKey, now: Date): Promise<void> {
    await this.locked(async () => {
      const [existing] = await this.published(now);
      if (existing) return;
      // Nobody can hold a copy of a JWKS without these two: both may sign at once.
      await this.insert(current, { state: 'current', createdAt: now, trustedFrom: now, activatedAt: now });
      await this.insert(next, { state: 'next', createdAt: now, trustedFrom: now, activatedAt: null });
    });
  }

  /**
   * current → retiring, next → current, `fresh` → next.
   * @param activatedBefore do nothing when the current key was activated later than this: another replica has just rotated.
   * @returns the two kids, or undefined when there was nothing to do.
   */
  rotate(
    fresh: NewSigningKey,
    now: Date,
    activatedBefore?: Date,
  ): Promise<{ oldKid: string; newKid: string } | undefined> {
    return this.locked(async () => {
      const keys = await this.published(now);
      const current = keys.find((key) => key.state === 'current');
      const next = keys.find((key) => key.state === 'next');
      if (!current || !next)
        throw new Error('The signing keys are incomplete: start the auth server once to make them');
      if (activatedBefore && current.activatedAt! > activatedBefore) return undefined;
      await this.database.query(
        `UPDATE authfort_signing_keys SET state = 'retiring', verifies_until = $2 WHERE kid = $1`,
        [current.kid, this.lastTokenEnds(now, next.trustedFrom)],
      );
      await this.promote(next.kid, now);
      await this.insertNext(fresh, now);
      return { oldKid: current.kid, newKid: next.kid };
    });
  }

  /**
   * Deletes a key at once. A compromised `current` is replaced by `next`, which then signs without waiting for caches.
   * @returns false when there is no such key.
   */
  compromise(kid: string, fresh: NewSigningKey, now: Date): Promise<boolean> {
    return this.locked(async () => {
      const [gone] = await this.database.query<{ state: SigningKeyState }>(
        'DELETE FROM authfort_signing_keys WHERE kid = $1 RETURNING state',
        [kid],
      );
      if (!gone) return false;
      if (gone.state === 'current') {
        const [next] = await this.database.query<{ kid: string }>(
          `SELECT kid FROM authfort_signing_keys WHERE state = 'next'`,
        );
        await this.promote(next!.kid, now);
        await this.database.query(
          'UPDATE authfort_signing_keys SET trusted_from = LEAST(trusted_from, $2) WHERE kid = $1',
          [next!.kid, now],
        );
      }
      if (gone.state !== 'retiring') await this.insertNext(fresh, now);
      return true;
    });
  }

  /** Removes retiring keys whose last token has expired. */
  async prune(now: Date): Promise<void> {
    await this.database.query(
      `DELETE FROM authfort_signing_keys WHERE state = 'retiring' AND verifies_until <= $1`,
      [now],
    );
  }

  private async promote(kid: string, now: Date): Promise<void> {
    await this.database.query(
      `UPDATE authfort_signing_keys SET state = 'current', activated_at = $2 WHERE kid = $1`,
      [kid, now],
    );
  }

  private async insertNext(key: NewSigningKey, now: Date): Promise<void> {
    const lead = this.config.jwksMaxAgeSeconds + KEY_POLL_SECONDS + LEAD_MARGIN_SECONDS;
    await this.insert(key, {
      state: 'next',
      createdAt: now,
      trustedFrom: addSeconds(now, lead),
      activatedAt: null,
    });
  }

  private async insert(
    key: NewSigningKey,
    life: Pick<StoredSigningKey, 'state' | 'createdAt' | 'trustedFrom' | 'activatedAt'>,
  ): Promise<void> {
    await this.database.query(
      `INSERT INTO authfort_signing_keys (kid, algorithm, state, sealed_private_key, public_jwk, created_at, trusted_from, activated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        key.kid,
        key.algorithm,
        life.state,
        key.sealedPrivateKey,
        JSON.stringify(key.publicJwk),
        life.createdAt,
        life.trustedFrom,
        life.activatedAt,
      ],
    );
  }

  /** The retiring key signs until its successor is in every cache, and its last token lives one access lifetime more. */
  private lastTokenEnds(now: Date, successorTrustedFrom: Date): Date {
    const lastSignature = successorTrustedFrom > now ? successorTrustedFrom : now;
    return addSeconds(
      lastSignature,
      this.config.accessTokenTtlSeconds + KEY_POLL_SECONDS + LEAD_MARGIN_SECONDS,
    );
  }

  private locked<T>(work: () => Promise<T>): Promise<T> {
    return this.database.transaction(async () => {
      await this.database.query(
        `SELECT pg_advisory_xact_lock(hashtext('authfort'), hashtext('signing_keys'))`,
      );
      return work();
    });
  }
}

function addSeconds(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000);
}
