import { Get, Header, UseInterceptors } from '@nestjs/common';
import { z } from 'zod';
import { authError } from '../errors/catalog.js';
import { text } from '../http/json-body.decorator.js';
import { flag, limit, QueryParams } from '../http/query-params.decorator.js';
import { UserLaneInterceptor } from '../http/user-lane.interceptor.js';
import { RoleService } from '../roles/role.service.js';
import { UserDirectoryService } from '../users/user-directory.service.js';
import { toUserResponse, type UserResponse } from '../users/user.response.js';
import { AdminController } from './admin-controller.decorator.js';

const listSchema = z.object({
  search: text().max(255, 'must have at most 255 characters').optional(),
  role: text().optional(),
  banned: flag(),
  email_verified: flag(),
  deleted: flag(),
  sort: z.enum(['created_at', 'email']).optional(),
  order: z.enum(['asc', 'desc']).optional(),
  limit: limit(100, 50),
  cursor: text().optional(),
});

/** One page of users. */
export interface UserListResponse {
  users: UserResponse[];
  /** All that the filters match. */
  total: number;
  /** For `?cursor=`; null on the last page. */
  next_cursor: string | null;
}

/** `GET /auth/admin/users` */
@AdminController('admin/users')
export class AdminUserListController {
  constructor(
    private readonly directory: UserDirectoryService,
    private readonly roles: RoleService,
  ) {}

  @Get()
  @UseInterceptors(UserLaneInterceptor)
  @Header('Cache-Control', 'no-store')
  async list(@QueryParams(listSchema) query: z.output<typeof listSchema>): Promise<UserListResponse> {
    const { email_verified: emailVerified, ...filter } = query;
    const { users, total, nextCursor } = await this.directory.list({ ...filter, emailVerified });
    if (total === 0 && query.role !== undefined && !(await this.roles.exists(query.role)))
      throw authError('role_not_found');
    return { users: users.map((user) => toUserResponse(user, null)), total, next_cursor: nextCursor };
  }
}
