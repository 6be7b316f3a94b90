import { Delete, Get, Header, HttpCode, Param, Post, UseInterceptors } from '@nestjs/common';
import { z } from 'zod';
import { BanService } from '../account/ban.service.js';
import { authError } from '../errors/catalog.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { QueryParams } from '../http/query-params.decorator.js';
import { UserLaneInterceptor } from '../http/user-lane.interceptor.js';
import { ADMIN_ROLE, LastAdminPolicy } from '../roles/last-admin.policy.js';
import { RoleService } from '../roles/role.service.js';
import { listSessionsSchema } from '../sessions/sessions.controller.js';
import { type SessionListResponse, toSessionListResponse } from '../sessions/session.response.js';
import { SessionService } from '../sessions/session.service.js';
import { UserService } from '../users/user.service.js';
import { toUserResponse, type UserResponse } from '../users/user.response.js';
import { AdminController } from './admin-controller.decorator.js';

const roleSchema = z.object({ role: text() });

/** What accounts may do, for administrators: bans, roles and sessions below `/auth/admin/users/:id` */
@AdminController('admin/users/:id')
export class AdminAccessController {
  constructor(
    private readonly users: UserService,
    private readonly bans: BanService,
    private readonly roles: RoleService,
    private readonly sessions: SessionService,
    private readonly lastAdmin: LastAdminPolicy,
  ) {}

  @Post('ban')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async ban(@Param('id') id: string): Promise<UserResponse> {
    const user = await this.users.get(id);
    await this.lastAdmin.spare(user.id, () => this.bans.ban(user.id));
    return this.answer(user.id);
  }

  @Post('unban')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async unban(@Param('id') id: string): Promise<UserResponse> {
    const user = await this.users.get(id);
    await this.bans.unban(user.id);
    return this.answer(user.id);
  }

  @Get('roles')
  @Header('Cache-Control', 'no-store')
  async rolesOf(@Param('id') id: string): Promise<{ roles: readonly string[] }> {
    return { roles: (await this.users.get(id)).roles };
  }

  @Post('roles')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async addRole(
    @Param('id') id: string,
    @JsonBody(roleSchema) { role }: z.output<typeof roleSchema>,
  ): Promise<UserResponse> {
    const user = await this.users.get(id);
    await this.roles.add(user.id, role);
    return this.answer(user.id);
  }

  @Delete('roles/:role')
  @HttpCode(204)
  async removeRole(@Param('id') id: string, @Param('role') role: string): Promise<void> {
    const user = await this.users.get(id);
    const remove = () => this.roles.remove(user.id, role);
    const removed = role === ADMIN_ROLE ? await this.lastAdmin.spare(user.id, remove) : await remove();
    if (!removed) throw authError('role_not_found');
  }

  @Get('sessions')
  @UseInterceptors(UserLaneInterceptor)
  @Header('Cache-Control', 'no-store')
  async sessionsOf(
    @Param('id') id: string,
    @QueryParams(listSessionsSchema) query: z.output<typeof listSessionsSchema>,
  ): Promise<SessionListResponse> {
    return toSessionListResponse(await this.sessions.list((await this.users.get(id)).id, query));
  }

  @Delete('sessions')
  @HttpCode(204)
  async endSessions(@Param('id') id: string): Promise<void> {
    await this.sessions.revokeAll((await this.users.get(id)).id, 'revoked');
  }

  @Delete('sessions/:sessionId')
  @HttpCode(204)
  async endSession(@Param('id') id: string, @Param('sessionId') sessionId: string): Promise<void> {
    await this.sessions.revoke((await this.users.get(id)).id, sessionId);
  }

  private async answer(userId: string): Promise<UserResponse> {
    return toUserResponse(await this.users.get(userId), null);
  }
}
