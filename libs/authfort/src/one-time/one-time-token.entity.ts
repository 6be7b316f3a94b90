import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { UserEntity } from '../users/user.entity.js';

/** A link that was mailed. The token itself is never stored, only its SHA-256. */
@Entity('authfort_one_time_tokens')
export class OneTimeTokenEntity {
  @PrimaryColumn('bytea', { name: 'token_hash', primaryKeyConstraintName: 'authfort_one_time_tokens_pkey' })
  tokenHash!: Buffer;

  @Column('text')
  purpose!: string;

  /** Null where the link is to make an account. */
  @Column('uuid', { name: 'user_id', nullable: true })
  @Index('authfort_one_time_tokens_user_id_idx')
  userId!: string | null;

  /** The address that the link was sent to, and that it proves. */
  @Column('text')
  email!: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'expires_at' })
  @Index('authfort_one_time_tokens_expires_at_idx')
  expiresAt!: Date;

  @ManyToOne(() => UserEntity, { onDelete: 'CASCADE', nullable: true })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'authfort_one_time_tokens_user_id_fkey' })
  user?: Relation<UserEntity>;
}
