import { Controller, Delete, Get, HttpCode, Patch, Res, UseInterceptors } from '@nestjs/common';
import { CurrentUser } from 'authfort-service';
import { z } from 'zod';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { UserLaneInterceptor } from '../http/user-lane.interceptor.js';
import { RateLimiter } from '../rate-limits/rate-limiter.js';
import { LastAdminPolicy } from '../roles/last-admin.policy.js';
import type { SessionUser } from '../sessions/session.authenticator.js';
import { toUserResponse, type UserResponse } from '../users/user.response.js';
import { AccountDeletionService } from './account-deletion.service.js';
import { type AccountExport, AccountExportService } from './account-export.service.js';
import { ProfileService } from './profile.service.js';
import { ReauthenticationService } from '../password/reauthentication.service.js';

const profileSchema = z.object({
  name: text().nullish(),
  avatar_url: text().nullish(),
  phone: text().nullish(),
  email: z.undefined('is changed by POST /email-change: the new address has to be confirmed').optional(),
});
const deleteSchema = z.object({ password: text().optional() });

/** A user's own account: `/auth/me` */
@Controller('me')
export class MeController {
  constructor(
    private readonly profiles: ProfileService,
    private readonly exports: AccountExportService,
    private readonly deletion: AccountDeletionService,
    private readonly lastAdmin: LastAdminPolicy,
    private readonly reauthentication: ReauthenticationService,
    private readonly limiter: RateLimiter,
    private readonly delivery: TokenDelivery,
  ) {}

  @Get()
  me(@CurrentUser() user: SessionUser, @Res({ passthrough: true }) response: unknown): UserResponse {
    this.delivery.noStore(response);
    return toUserResponse(user.account, user.sessionId);
  }

  @Patch()
  async update(
    @CurrentUser() { account, sessionId }: SessionUser,
    @JsonBody(profileSchema) { avatar_url: avatarUrl, ...changes }: z.output<typeof profileSchema>,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<UserResponse> {
    this.delivery.noStore(response);
    const { name, phone } = changes;
    await this.limiter.consume('profile', '', account.id);
    const user = await this.profiles.update(account.id, { name, phone, avatarUrl }, account);
    return toUserResponse(user, sessionId);
  }

  /** Everything that is held on the user, as JSON. */
  @Get('export')
  @UseInterceptors(UserLaneInterceptor)
  async export(
    @CurrentUser() { account }: SessionUser,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<AccountExport> {
    this.delivery.noStore(response);
    await this.limiter.consume('export', '', account.id);
    return this.exports.export(account);
  }

  /** Anonymises the account. */
  @Delete()
  @HttpCode(204)
  async delete(
    @CurrentUser() user: SessionUser,
    @JsonBody(deleteSchema) { password }: z.output<typeof deleteSchema>,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    await this.reauthentication.assert(user, password);
    await this.lastAdmin.spare(user.sub, () => this.deletion.delete(user.sub, false, user.account));
    this.delivery.clear(response);
  }
}
