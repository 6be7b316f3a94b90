import { Controller, Delete, HttpCode, Query, Res } from '@nestjs/common';
import { type AuthUser, CurrentUser } from 'authfort-service';
import { TokenDelivery } from '../http/token-delivery.js';
import { SessionService } from './session.service.js';

/** A user's own sessions. */
@Controller()
export class SessionsController {
  constructor(
    private readonly sessions: SessionService,
    private readonly delivery: TokenDelivery,
  ) {}

  /** `DELETE /auth/sessions`: signs the user out everywhere; `?keep=current` spares the session that asks. */
  @Delete('sessions')
  @HttpCode(204)
  async endAll(
    @CurrentUser() user: AuthUser,
    @Query('keep') keep: string | undefined,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    const kept = keep === 'current' ? (user.sessionId ?? undefined) : undefined;
    await this.sessions.revokeAll(user.sub, 'revoked', kept);
    if (kept === undefined) this.delivery.clear(response);
  }
}
