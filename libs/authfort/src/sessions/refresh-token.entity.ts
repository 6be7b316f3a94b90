import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { SessionEntity } from './session.entity.js';

/**
 * One link of a session's chain of refresh tokens. The token itself is never stored, only its SHA-256.
 *
 * A rotated row keeps the salt from which its successor was derived (see refresh-token.ts) until the successor is
 * used: that is what lets a repeated request receive the very same successor, and nobody else read it from the table.
 */
@Entity('authfort_refresh_tokens')
@Index('authfort_refresh_tokens_session_idx', ['sessionId', 'issuedAt'])
export class RefreshTokenEntity {
  @PrimaryColumn('bytea', { name: 'token_hash', primaryKeyConstraintName: 'authfort_refresh_tokens_pkey' })
  tokenHash!: Buffer;

  @Column('uuid', { name: 'session_id' })
  sessionId!: string;

  @Column('timestamptz', { name: 'issued_at' })
  issuedAt!: Date;

  /** End of the idle lifetime, never later than the session's absolute end. */
  @Column('timestamptz', { name: 'expires_at' })
  @Index('authfort_refresh_tokens_expires_at_idx')
  expiresAt!: Date;

  /** Null while this is the session's newest token. */
  @Column('timestamptz', { name: 'rotated_at', nullable: true })
  rotatedAt!: Date | null;

  /** Null before rotation and again once the successor has been used: from then on a repeat is theft. */
  @Column('bytea', { name: 'successor_salt', nullable: true })
  successorSalt!: Buffer | null;

  @Column('bytea', { name: 'predecessor_hash', nullable: true })
  predecessorHash!: Buffer | null;

  /** Network of the request that rotated the token, keyed by the token itself (see client-traits.ts). */
  @Column('bytea', { name: 'rotated_network', nullable: true })
  rotatedNetwork!: Buffer | null;

  /** Device of the request that rotated the token, keyed in the same way. */
  @Column('bytea', { name: 'rotated_device', nullable: true })
  rotatedDevice!: Buffer | null;

  /** When a repeat of the token was first written to the audit log. */
  @Column('timestamptz', { name: 'repeated_at', nullable: true })
  repeatedAt!: Date | null;

  @ManyToOne(() => SessionEntity, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'session_id', foreignKeyConstraintName: 'authfort_refresh_tokens_session_id_fkey' })
  session?: Relation<SessionEntity>;
}
