import { Delete, Get, Header, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { z } from 'zod';
import { AccountCreationService } from '../account/account-creation.service.js';
import { AccountDeletionService } from '../account/account-deletion.service.js';
import { UserEditorService } from '../account/user-editor.service.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { flag, QueryParams } from '../http/query-params.decorator.js';
import { LastAdminPolicy } from '../roles/last-admin.policy.js';
import { UserService } from '../users/user.service.js';
import { toUserResponse, type UserResponse } from '../users/user.response.js';
import { AdminController } from './admin-controller.decorator.js';

const createSchema = z.object({
  email: text(),
  password: text().nullish(),
  name: text().nullish(),
  avatar_url: text().nullish(),
  phone: text().nullish(),
  email_verified: z.boolean().optional(),
  roles: z.array(text()).max(50).optional(),
});
const updateSchema = z.object({
  email: text().optional(),
  name: text().nullish(),
  avatar_url: text().nullish(),
  phone: text().nullish(),
  email_verified: z.boolean().optional(),
});
const deleteSchema = z.object({ hard: flag() });

/** Accounts, for administrators: `/auth/admin/users` */
@AdminController('admin/users')
export class AdminUsersController {
  constructor(
    private readonly users: UserService,
    private readonly creation: AccountCreationService,
    private readonly editor: UserEditorService,
    private readonly deletion: AccountDeletionService,
    private readonly lastAdmin: LastAdminPolicy,
  ) {}

  @Get(':id')
  @Header('Cache-Control', 'no-store')
  async get(@Param('id') id: string): Promise<UserResponse> {
    return toUserResponse(await this.users.get(id), null);
  }

  @Post()
  @Header('Cache-Control', 'no-store')
  async create(@JsonBody(createSchema) body: z.output<typeof createSchema>): Promise<UserResponse> {
    const { avatar_url: avatarUrl, email_verified: emailVerified, ...input } = body;
    return toUserResponse(await this.creation.create({ ...input, avatarUrl, emailVerified }), null);
  }

  @Patch(':id')
  @Header('Cache-Control', 'no-store')
  async update(
    @Param('id') id: string,
    @JsonBody(updateSchema) body: z.output<typeof updateSchema>,
  ): Promise<UserResponse> {
    const { avatar_url: avatarUrl, email_verified: emailVerified, ...changes } = body;
    const user = await this.users.get(id);
    return toUserResponse(await this.editor.update(user.id, { ...changes, avatarUrl, emailVerified }), null);
  }

  /** Anonymises the account; `?hard=true` deletes the row too. */
  @Delete(':id')
  @HttpCode(204)
  async delete(
    @Param('id') id: string,
    @QueryParams(deleteSchema) { hard = false }: z.output<typeof deleteSchema>,
  ): Promise<void> {
    const user = await this.users.get(id);
    await this.lastAdmin.spare(user.id, () => this.deletion.delete(user.id, hard));
  }
}
