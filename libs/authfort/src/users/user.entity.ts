import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** An account. The e-mail address is stored normalised (trimmed, NFC, lower case), so that its unique index is the truth. */
@Entity('authfort_users')
@Index('authfort_users_created_at_idx', ['createdAt', 'id'], { where: 'deleted_at IS NULL' })
@Index('authfort_users_live_email_idx', ['email', 'createdAt', 'id'], { where: 'deleted_at IS NULL' })
@Index('authfort_users_banned_idx', ['createdAt', 'id'], { where: 'banned AND deleted_at IS NULL' })
@Index('authfort_users_deleted_idx', ['createdAt', 'id'], { where: 'deleted_at IS NOT NULL' })
@Index('authfort_users_status_idx', ['banned', 'emailVerified'], { where: 'deleted_at IS NULL' })
@Index('authfort_users_sessions_ended_idx', ['sessionsEndedAt'], { where: 'sessions_ended_at IS NOT NULL' })
// Over expressions, which TypeORM does not know.
@Index('authfort_users_domain_idx', { synchronize: false })
@Index('authfort_users_name_idx', { synchronize: false })
export class UserEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'authfort_users_pkey' })
  id!: string;

  @Column({ type: 'text', collation: 'C' })
  @Index('authfort_users_email_key', { unique: true })
  email!: string;

  @Column('text', { nullable: true })
  name!: string | null;

  @Column('text', { name: 'avatar_url', nullable: true })
  avatarUrl!: string | null;

  @Column('text', { nullable: true })
  phone!: string | null;

  /** PHC string (argon2id); null for an account that has no password. */
  @Column('text', { name: 'password_hash', nullable: true })
  passwordHash!: string | null;

  @Column('boolean', { name: 'email_verified', default: false })
  emailVerified!: boolean;

  /**
   * Whether the holder of the account and the owner of its address are known to be one person. False after an otherwise unknown client
   * followed a link to the address: the account may belong to a squatter.
   */
  @Column('boolean', { name: 'owner_confirmed', default: false })
  ownerConfirmed!: boolean;

  @Column('boolean', { name: 'mfa_enabled', default: false })
  mfaEnabled!: boolean;

  @Column('boolean', { default: false })
  banned!: boolean;

  /** The `ver` claim. Raising it makes every access token of the user invalid at once. */
  @Column('integer', { name: 'token_version', default: 0 })
  tokenVersion!: number;

  /** Sessions with a lower `version` have ended, even if their row is not marked. */
  @Column('integer', { name: 'sessions_from', default: 0 })
  sessionsFrom!: number;

  /** When all sessions ended, as long as the rows of some of them still have to be marked as revoked. */
  @Column('timestamptz', { name: 'sessions_ended_at', nullable: true })
  sessionsEndedAt!: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'deleted_at', nullable: true })
  deletedAt!: Date | null;
}
