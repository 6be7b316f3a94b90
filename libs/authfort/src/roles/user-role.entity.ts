import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { UserEntity } from '../users/user.entity.js';

/** One role of one user. */
@Entity('authfort_user_roles')
@Index('authfort_user_roles_role_idx', ['role', 'userCreatedAt', 'userId'])
export class UserRoleEntity {
  @PrimaryColumn('uuid', { name: 'user_id', primaryKeyConstraintName: 'authfort_user_roles_pkey' })
  userId!: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'authfort_user_roles_pkey' })
  role!: string;

  @Column('timestamptz', { name: 'granted_at' })
  grantedAt!: Date;

  /** The user's `created_at`; a trigger writes it. */
  @Column('timestamptz', { name: 'user_created_at' })
  userCreatedAt!: Date;

  @ManyToOne(() => UserEntity, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'authfort_user_roles_user_id_fkey' })
  user?: Relation<UserEntity>;
}
