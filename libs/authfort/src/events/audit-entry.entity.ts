import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * Who did what to whom, from where, when. Written in the transaction of the change. Triggers let an entry lose its addresses and user
 * agent and let its count rise, and refuse every other change.
 */
@Entity('authfort_audit_log')
@Index('authfort_audit_log_user_id_idx', ['userId', 'id'])
@Index('authfort_audit_log_actor_id_idx', ['actorId', 'id'])
@Index('authfort_audit_log_action_idx', ['action', 'id'])
@Index('authfort_audit_log_at_idx', ['at'])
@Index('authfort_audit_log_old_email_idx', ['oldEmail'], { where: 'old_email IS NOT NULL' })
@Index('authfort_audit_log_new_email_idx', ['newEmail'], { where: 'new_email IS NOT NULL' })
@Index('authfort_audit_log_repeat_key_idx', ['repeatKey'], { unique: true, where: 'repeat_key IS NOT NULL' })
export class AuditEntryEntity {
  @PrimaryColumn('bigint', {
    primaryKeyConstraintName: 'authfort_audit_log_pkey',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
  })
  id!: string;

  @Column('timestamptz')
  at!: Date;

  /** The event's name. */
  @Column('text')
  action!: string;

  /** Null: the server itself, the command line, or nobody known. */
  @Column('uuid', { name: 'actor_id', nullable: true })
  actorId!: string | null;

  /** Whom it concerns. No foreign key: the entry outlives the account. */
  @Column('uuid', { name: 'user_id', nullable: true })
  userId!: string | null;

  @Column('uuid', { name: 'session_id', nullable: true })
  sessionId!: string | null;

  @Column('text', { nullable: true })
  ip!: string | null;

  @Column('text', { name: 'user_agent', nullable: true })
  userAgent!: string | null;

  @Column('jsonb')
  detail!: object;

  /** Of a change of address: the address before it. Personal data; `detail` cannot be erased, so this is a separate column. */
  @Column('text', { name: 'old_email', nullable: true })
  oldEmail!: string | null;

  /** Of a change of address: the address after it. */
  @Column('text', { name: 'new_email', nullable: true })
  newEmail!: string | null;

  /** How often it happened within its minute. The entry is about the first time. */
  @Column('integer', { default: 1 })
  repeats!: number;

  /** The key that repeats of the event share. Null for events that a client cannot repeat without limit. */
  @Column('bytea', { name: 'repeat_key', nullable: true })
  repeatKey!: Buffer | null;
}
