import { Delete, Get, Header, HttpCode, Param, Put } from '@nestjs/common';
import type { RoleOverview } from '../roles/permission.repository.js';
import { PermissionService } from '../roles/permission.service.js';
import { AdminController } from './admin-controller.decorator.js';

/** Roles and what they permit, for administrators. */
@AdminController()
export class AdminRolesController {
  constructor(private readonly permissions: PermissionService) {}

  /** `GET /auth/admin/roles`: all that somebody holds or that grant something. */
  @Get('admin/roles')
  @Header('Cache-Control', 'no-store')
  async list(): Promise<{ roles: RoleOverview[] }> {
    return { roles: await this.permissions.list() };
  }

  /** `GET /auth/admin/roles/:role` */
  @Get('admin/roles/:role')
  @Header('Cache-Control', 'no-store')
  get(@Param('role') role: string): Promise<RoleOverview> {
    return this.permissions.get(role);
  }

  /** `PUT /auth/admin/roles/:role/permissions/:permission`: grants it, also to a role that nobody holds yet. */
  @Put('admin/roles/:role/permissions/:permission')
  @HttpCode(204)
  grant(@Param('role') role: string, @Param('permission') permission: string): Promise<void> {
    return this.permissions.grant(role, permission);
  }

  /** `DELETE /auth/admin/roles/:role/permissions/:permission`: withdraws it; also one that is not granted. */
  @Delete('admin/roles/:role/permissions/:permission')
  @HttpCode(204)
  withdraw(@Param('role') role: string, @Param('permission') permission: string): Promise<void> {
    return this.permissions.withdraw(role, permission);
  }
}
