import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { SigningAlgorithm } from '../options/auth-fort.options.js';

/** `next` is published and waits, `current` signs, `retiring` only verifies. A key that is gone has no row. */
export type SigningKeyState = 'next' | 'current' | 'retiring';

/** A signing key. Two partial unique indexes say that there is one `current` and one `next`, whatever the replicas do. */
@Entity('authfort_signing_keys')
@Check('authfort_signing_keys_state_check', `state IN ('next', 'current', 'retiring')`)
@Index('authfort_signing_keys_one_current', ['state'], { unique: true, where: `state = 'current'` })
@Index('authfort_signing_keys_one_next', ['state'], { unique: true, where: `state = 'next'` })
export class SigningKeyEntity {
  /** RFC 7638 thumbprint of the public key. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'authfort_signing_keys_pkey' })
  kid!: string;

  @Column('text')
  algorithm!: SigningAlgorithm;

  @Column('text')
  state!: SigningKeyState;

  /** PKCS #8, sealed with AES-256-GCM (see key-sealer.ts). */
  @Column('text', { name: 'sealed_private_key' })
  sealedPrivateKey!: string;

  /** Lifetime in seconds of the tokens that the servers sign: a rotation from the command line knows it from here. */
  @Column('integer', { name: 'token_ttl_seconds' })
  tokenTtlSeconds!: number;

  /** `max-age` in seconds of the JWKS that the servers publish. */
  @Column('integer', { name: 'jwks_max_age_seconds' })
  jwksMaxAgeSeconds!: number;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  /** From then on every cached copy of the JWKS holds this key, so it may sign. */
  @Column('timestamptz', { name: 'trusted_from' })
  trustedFrom!: Date;

  @Column('timestamptz', { name: 'activated_at', nullable: true })
  activatedAt!: Date | null;

  /** Set on retiring: the last token that it signed has expired by then. */
  @Column('timestamptz', { name: 'verifies_until', nullable: true })
  verifiesUntil!: Date | null;
}
