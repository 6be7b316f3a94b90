import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { RevocationLogRepository } from '../revocation/revocation-log.repository.js';
import type { SigningAlgorithm } from '../options/auth-fort.options.js';
import type { SigningKeyState } from './signing-key.entity.js';

/** A row of `authfort_signing_keys`. */
export interface StoredSigningKey {
  kid: string;
  algorithm: SigningAlgorithm;
  state: SigningKeyState;
  sealedPrivateKey: string;
  tokenTtlSeconds: number;
  jwksMaxAgeSeconds: number;
  createdAt: Date;
  trustedFrom: Date;
  activatedAt: Date | null;
  verifiesUntil: Date | null;
}

/** A generated key, sealed and ready to be stored. */
export type NewSigningKey = Pick<StoredSigningKey, 'kid' | 'algorithm' | 'sealedPrivateKey'>;

const COLUMNS = `kid, algorithm, state, sealed_private_key AS "sealedPrivateKey",
  token_ttl_seconds AS "tokenTtlSeconds", jwks_max_age_seconds AS "jwksMaxAgeSeconds",
  created_at AS "createdAt", trusted_from AS "trustedFrom", activated_at AS "activatedAt", verifies_until AS "verifiesUntil"`;

type Settings = Pick<StoredSigningKey, 'tokenTtlSeconds' | 'jwksMaxAgeSeconds'>;

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
    private readonly revocations: RevocationLogRepository,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** The keys that are published: next, current, and retiring ones that tokens may still be verified with. */
  published(now: Date): Promise<StoredSigningKey[]> {
    return this.database.query<StoredSigningKey>(
      `SELECT ${COLUMNS} FROM authfort_signing_keys
       WHERE state <> 'retiring' OR verifies_until > $1
       ORDER BY array_position(ARRAY['next', 'current', 'retiring'], state), activated_at DESC, kid`,
      [now],
    );
  }

  /** Makes the first pair of keys, unless there is one: the first of several simultaneous starts does it for all. */
  async establish(current: NewSigningKey, next: NewSigningKey, now: Date): Promise<void> {
    await this.locked(async () => {
      const [existing] = await this.published(now);
      if (existing) return;
      // Nobody can hold a copy of a JWKS without these two: both may sign at once.
      const life = { ...this.settings(), createdAt: now, trustedFrom: now };
      await this.insert(current, { ...life, state: 'current', activatedAt: now });
      await this.insert(next, { ...life, state: 'next', activatedAt: null });
    });
  }

  /** Notes the server's settings with the keys. They only grow: replicas with the older ones may still be running. */
  async noteSettings(): Promise<void> {
    const { tokenTtlSeconds, jwksMaxAgeSeconds } = this.settings();
    await this.database.query(
      `UPDATE authfort_signing_keys
       SET token_ttl_seconds = GREATEST(token_ttl_seconds, $1), jwks_max_age_seconds = GREATEST(jwks_max_age_seconds, $2)
       WHERE state <> 'retiring' AND (token_ttl_seconds < $1 OR jwks_max_age_seconds < $2)`,
      [tokenTtlSeconds, jwksMaxAgeSeconds],
    );
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
        [current.kid, lastTokenEnds(current, next, now)],
      );
      await this.promote(next.kid, now);
      await this.insertNext(fresh, next, now);
      return { oldKid: current.kid, newKid: next.kid };
    });
  }

  /**
   * Deletes a key at once. A compromised `current` is replaced by `next`. If the key signs, or was about to, the current one does not
   * wait for caches.
   * @returns false when there is no such key.
   */
  compromise(kid: string, fresh: NewSigningKey, now: Date): Promise<boolean> {
    return this.locked(async () => {
      const keys = await this.published(now);
      const gone = keys.find((key) => key.kid === kid);
      if (!gone) return false;
      await this.database.query('DELETE FROM authfort_signing_keys WHERE kid = $1', [kid]);
      await this.revocations.endKey(kid);
      const next = keys.find((key) => key.state === 'next');
      if (gone.state === 'current' && next) await this.promote(next.kid, now);
      if (breaksLineOfSigners(gone, keys, now)) {
        await this.database.query(
          `UPDATE authfort_signing_keys SET trusted_from = LEAST(trusted_from, $1) WHERE state = 'current'`,
          [now],
        );
      }
      if (gone.state !== 'retiring') await this.insertNext(fresh, gone, now);
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

  private async insertNext(key: NewSigningKey, like: Settings, now: Date): Promise<void> {
    const { tokenTtlSeconds, jwksMaxAgeSeconds } = like;
    const trustedFrom = addSeconds(now, jwksMaxAgeSeconds + KEY_POLL_SECONDS + LEAD_MARGIN_SECONDS);
    const life = { tokenTtlSeconds, jwksMaxAgeSeconds, createdAt: now, trustedFrom };
    await this.insert(key, { ...life, state: 'next', activatedAt: null });
  }

  private async insert(
    key: NewSigningKey,
    life: Settings & Pick<StoredSigningKey, 'state' | 'createdAt' | 'trustedFrom' | 'activatedAt'>,
  ): Promise<void> {
    await this.database.query(
      `INSERT INTO authfort_signing_keys (kid, algorithm, sealed_private_key, state, token_ttl_seconds,
         jwks_max_age_seconds, created_at, trusted_from, activated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        key.kid,
        key.algorithm,
        key.sealedPrivateKey,
        life.state,
        life.tokenTtlSeconds,
        life.jwksMaxAgeSeconds,
        life.createdAt,
        life.trustedFrom,
        life.activatedAt,
      ],
    );
  }

  private settings(): Settings {
    const { accessTokenTtlSeconds: tokenTtlSeconds, jwksMaxAgeSeconds } = this.config;
    return { tokenTtlSeconds, jwksMaxAgeSeconds };
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

/**
 * Whether the key that signs is gone, or one that was to follow it: a retiring key is published for the tokens that it signs until
 * its own successor does, and no longer.
 */
function breaksLineOfSigners(gone: StoredSigningKey, keys: StoredSigningKey[], now: Date): boolean {
  if (gone.state !== 'retiring') return gone.state === 'current';
  // Newest first, as the key ring chooses among them.
  const signers = keys.filter(({ state }) => state !== 'next');
  return signers.indexOf(gone) <= signers.findIndex(({ trustedFrom }) => trustedFrom <= now);
}

/** The retiring key signs until its successor is in every cache, and its last token lives one access lifetime more. */
function lastTokenEnds(retiring: Settings, successor: StoredSigningKey, now: Date): Date {
  const lastSignature = successor.trustedFrom > now ? successor.trustedFrom : now;
  return addSeconds(lastSignature, retiring.tokenTtlSeconds + KEY_POLL_SECONDS + LEAD_MARGIN_SECONDS);
}

function addSeconds(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000);
}
