import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * Something whose access tokens are dead before their time: a session, the older versions of a user, or a signing key. Services are told
 * of it; the row goes when the last such token has expired by itself.
 */
@Entity('authfort_revocations')
@Index('authfort_revocations_transaction_id_idx', ['transactionId', 'id'])
export class RevocationEntity {
  @PrimaryColumn('bigint', {
    primaryKeyConstraintName: 'authfort_revocations_pkey',
    generated: 'identity',
    generatedIdentity: 'ALWAYS',
  })
  id!: string;

  /** Of the transaction that wrote it: rows become visible in another order than that of their ids. */
  @Column('bigint', { name: 'transaction_id' })
  transactionId!: string;

  @Column('uuid', { name: 'session_id', nullable: true })
  sessionId!: string | null;

  /** No foreign key: the row outlives the account. */
  @Column('uuid', { name: 'user_id', nullable: true })
  userId!: string | null;

  /** With `userId`: tokens of lower versions are dead. */
  @Column('integer', { name: 'token_version', nullable: true })
  tokenVersion!: number | null;

  /** With `userId`: tokens of this session stay valid from the version `keptTokensFrom` on. */
  @Column('uuid', { name: 'kept_session_id', nullable: true })
  keptSessionId!: string | null;

  @Column('integer', { name: 'kept_tokens_from', nullable: true })
  keptTokensFrom!: number | null;

  @Column('text', { nullable: true })
  kid!: string | null;

  @Column('timestamptz', { name: 'revoked_at' })
  revokedAt!: Date;

  @Column('timestamptz', { name: 'expires_at' })
  @Index('authfort_revocations_expires_at_idx')
  expiresAt!: Date;
}
