import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { UserEntity } from '../users/user.entity.js';

/** One sign-in on one device: the `sid` claim, stable over every refresh. A revoked session takes its refresh and access tokens with it. */
@Entity('authfort_sessions')
@Index('authfort_sessions_live_idx', ['userId', 'createdAt', 'id'], { where: 'revoked_at IS NULL' })
@Index('authfort_sessions_session_limit_idx', ['revokedAt'], { where: "revoked_reason = 'session_limit'" })
export class SessionEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'authfort_sessions_pkey' })
  id!: string;

  @Column('uuid', { name: 'user_id' })
  @Index('authfort_sessions_user_id_idx')
  userId!: string;

  /** How the user proved who they are: RFC 8176 method names. */
  @Column('text', { array: true })
  amr!: string[];

  /** The `acr` claim: the authentication context class of the sign-in (RFC 9068 §2.2.1). A refresh keeps it. */
  @Column('text', { default: 'urn:authfort:acr:1fa' })
  acr!: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  /** The absolute end: no refresh moves it. */
  @Column('timestamptz', { name: 'expires_at' })
  @Index('authfort_sessions_expires_at_idx')
  expiresAt!: Date;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;

  @Column('text', { name: 'revoked_reason', nullable: true })
  revokedReason!: string | null;

  /**
   * The browser of this session received its refresh cookie from another system and so has no session mark. Its first refresh is
   * accepted without one; the flag is cleared in the statement that rotates the token.
   */
  @Column('boolean', { name: 'mark_pending', default: false })
  markPending!: boolean;

  @Column('text', { nullable: true })
  ip!: string | null;

  @Column('text', { name: 'user_agent', nullable: true })
  userAgent!: string | null;

  /** The user's `token_version` when the session was opened, or when it was last kept while all others ended. */
  @Column('integer', { default: 0 })
  version!: number;

  /** While the user's `token_version` equals `version`: access tokens of this session are valid from this `ver` on. */
  @Column('integer', { name: 'kept_tokens_from', nullable: true })
  keptTokensFrom!: number | null;

  @ManyToOne(() => UserEntity, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'authfort_sessions_user_id_fkey' })
  user?: Relation<UserEntity>;
}
