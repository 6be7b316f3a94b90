import { Controller, Get, Res } from '@nestjs/common';
import { CurrentUser } from 'authfort-service';
import { TokenDelivery } from '../http/token-delivery.js';
import { toUserResponse, type UserResponse } from '../users/user.response.js';
import type { SessionUser } from '../sessions/session.authenticator.js';

/** `GET /auth/me` */
@Controller()
export class MeController {
  constructor(private readonly delivery: TokenDelivery) {}

  @Get('me')
  me(@CurrentUser() user: SessionUser, @Res({ passthrough: true }) response: unknown): UserResponse {
    this.delivery.noStore(response);
    return toUserResponse(user.account, user.sessionId);
  }
}
