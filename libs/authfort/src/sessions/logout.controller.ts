import type { IncomingHttpHeaders } from 'node:http';
import { Controller, HttpCode, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';
import { AccessTokenVerifier, AuthFortError, extractToken, Public } from 'authfort-service';
import { z } from 'zod';
import { BrowserGuard } from '../http/browser.guard.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { RateLimit } from '../rate-limits/rate-limit.guard.js';
import { SessionService } from './session.service.js';

const logoutSchema = z.object({ refresh_token: text().nullish() });

/** One's own, and those that siblings may have planted; each costs a query. */
const MAX_REFRESH_COOKIES = 4;

/** `POST /auth/logout`: always 204, so that a client can always forget its tokens. */
@Controller()
@Public()
@UseGuards(BrowserGuard)
export class LogoutController {
  constructor(
    private readonly sessions: SessionService,
    private readonly delivery: TokenDelivery,
    private readonly verifier: AccessTokenVerifier,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  @Post('logout')
  @HttpCode(204)
  @RateLimit('logout')
  async logout(
    @JsonBody(logoutSchema) body: z.output<typeof logoutSchema>,
    @Req() request: { headers: IncomingHttpHeaders },
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    const { headers } = request;
    const refreshTokens = body.refresh_token
      ? [body.refresh_token]
      : this.delivery.refreshCookies(headers.cookie).slice(0, MAX_REFRESH_COOKIES);
    for (const token of refreshTokens) await this.sessions.endByRefreshToken(token);
    await this.endByAccessToken(headers);
    this.delivery.clear(response);
  }

  /** Also where a refresh token was sent: that one may be unknown, or planted, and the session of this token is meant. */
  private async endByAccessToken(headers: IncomingHttpHeaders): Promise<void> {
    try {
      const presented = extractToken({ headers }, this.config.cookie?.accessName);
      if (!presented) return;
      const { sub, sessionId } = await this.verifier.verify(presented.token);
      if (sessionId) await this.sessions.end(sub, sessionId);
    } catch (error) {
      if (!(error instanceof AuthFortError) || error.statusCode >= 500) throw error;
    }
  }
}
