import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { UserEntity } from '../users/user.entity.js';

/** The hash of a password that was replaced. */
@Entity('authfort_password_history')
@Index('authfort_password_history_user_id_idx', ['userId', 'replacedAt'])
export class PasswordHistoryEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'authfort_password_history_pkey' })
  id!: string;

  @Column('uuid', { name: 'user_id' })
  userId!: string;

  @Column('text', { name: 'password_hash' })
  passwordHash!: string;

  @Column('timestamptz', { name: 'replaced_at' })
  replacedAt!: Date;

  @ManyToOne(() => UserEntity, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'authfort_password_history_user_id_fkey' })
  user?: Relation<UserEntity>;
}
