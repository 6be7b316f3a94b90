import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { UserEntity } from '../users/user.entity.js';

/** One role of one user. */
@Entity('authfort_user_roles')
export class UserRoleEntity {
  @PrimaryColumn('uuid', { name: 'user_id', primaryKeyConstraintName: 'authfort_user_roles_pkey' })
  userId!: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'authfort_user_roles_pkey' })
  @Index('authfort_user_roles_role_idx')
  role!: string;

  @Column('timestamptz', { name: 'granted_at' })
  grantedAt!: Date;

  @ManyToOne(() => UserEntity, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'authfort_user_roles_user_id_fkey' })
  user?: Relation<UserEntity>;
}
