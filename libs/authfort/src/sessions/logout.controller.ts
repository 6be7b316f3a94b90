import { Controller, Headers, HttpCode, Post, Res, UseGuards } from '@nestjs/common';
import { Public } from 'authfort-service';
import { z } from 'zod';
import { BrowserGuard } from '../http/browser.guard.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { RateLimit } from '../rate-limits/rate-limit.guard.js';
import { SessionService } from './session.service.js';

const logoutSchema = z.object({ refresh_token: text().nullish() });

/** `POST /auth/logout`: always 204, so that a client can always forget its tokens. */
@Controller()
@Public()
@UseGuards(BrowserGuard)
export class LogoutController {
  constructor(
    private readonly sessions: SessionService,
    private readonly delivery: TokenDelivery,
  ) {}

  @Post('logout')
  @HttpCode(204)
  @RateLimit('logout')
  async logout(
    @JsonBody(logoutSchema) body: z.output<typeof logoutSchema>,
    @Headers('cookie') cookies: string | undefined,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    const presented = body.refresh_token ? [body.refresh_token] : this.delivery.refreshCookies(cookies);
    for (const token of presented) await this.sessions.endByRefreshToken(token);
    this.delivery.clear(response);
  }
}
