import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One permission that a role grants. */
@Entity('authfort_role_permissions')
export class RolePermissionEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'authfort_role_permissions_pkey' })
  role!: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'authfort_role_permissions_pkey' })
  permission!: string;

  @Column('timestamptz', { name: 'granted_at' })
  grantedAt!: Date;
}
