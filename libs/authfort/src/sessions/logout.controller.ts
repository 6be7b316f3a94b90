import type { IncomingHttpHeaders } from 'node:http';
import { Controller, Headers, HttpCode, Post, Res, UseGuards } from '@nestjs/common';
import { AccessTokenVerifier, AuthFortError, extractToken, Public } from 'authfort-service';
import { z } from 'zod';
import { BrowserGuard } from '../http/browser.guard.js';
import { Client } from '../http/client.decorator.js';
import type { ClientInfo } from '../http/client-info.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { RateLimit } from '../rate-limits/rate-limit.guard.js';
import { RefreshTokenReader } from './refresh-token.reader.js';
import { SessionService } from './session.service.js';

const logoutSchema = z.object({ refresh_token: text().nullish() });

/** The client's own access cookie, and those that sibling hosts may have planted; each costs a verification. */
const MAX_ACCESS_COOKIES = 4;

/** `POST /auth/logout`: always 204, so that a client can always forget its tokens. */
@Controller()
@Public()
@UseGuards(BrowserGuard)
export class LogoutController {
  constructor(
    private readonly sessions: SessionService,
    private readonly reader: RefreshTokenReader,
    private readonly delivery: TokenDelivery,
    private readonly verifier: AccessTokenVerifier,
  ) {}

  @Post('logout')
  @HttpCode(204)
  @RateLimit('logout')
  async logout(
    @JsonBody(logoutSchema) body: z.output<typeof logoutSchema>,
    @Headers() headers: IncomingHttpHeaders,
    @Client() client: ClientInfo,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    // The refresh token comes first: it shows whether the session was stolen.
    for (const token of await this.reader.readForLogout(body.refresh_token, headers))
      await this.sessions.endByRefreshToken(token, client);
    const bearer = extractToken({ headers }, undefined);
    const accessTokens = bearer
      ? [bearer.token]
      : this.delivery.accessCookies(headers.cookie).slice(0, MAX_ACCESS_COOKIES);
    for (const token of accessTokens) await this.endByAccessToken(token);
    this.delivery.clear(response);
  }

  /** Also when a refresh token was sent: it may be unknown or planted, and the client wants to end the session of its access token. */
  private async endByAccessToken(token: string): Promise<void> {
    try {
      const { sub, sessionId } = await this.verifier.verify(token);
      if (sessionId) await this.sessions.end(sub, sessionId);
    } catch (error) {
      if (!(error instanceof AuthFortError) || error.statusCode >= 500) throw error;
    }
  }
}
