import { Controller, Delete, Get, HttpCode, Param, Res, UseInterceptors } from '@nestjs/common';
import { type AuthUser, CurrentUser } from 'authfort-service';
import { z } from 'zod';
import { text } from '../http/json-body.decorator.js';
import { limit, QueryParams } from '../http/query-params.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { UserLaneInterceptor } from '../http/user-lane.interceptor.js';
import { SESSIONS_PER_PAGE } from './session-page.js';
import { type SessionListResponse, toSessionListResponse } from './session.response.js';
import { SessionService } from './session.service.js';

/** The query of a list of sessions. */
export const listSessionsSchema = z.object({
  limit: limit(SESSIONS_PER_PAGE, SESSIONS_PER_PAGE),
  cursor: text().optional(),
});
const endAllSchema = z.object({ keep: z.literal('current').optional() });

/** A user's own sessions: `/auth/sessions` */
@Controller('sessions')
export class SessionsController {
  constructor(
    private readonly sessions: SessionService,
    private readonly delivery: TokenDelivery,
  ) {}

  /** The live ones, newest first. */
  @Get()
  @UseInterceptors(UserLaneInterceptor)
  async list(
    @CurrentUser() { sub, sessionId }: AuthUser,
    @QueryParams(listSessionsSchema) query: z.output<typeof listSessionsSchema>,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<SessionListResponse> {
    this.delivery.noStore(response);
    return toSessionListResponse(await this.sessions.list(sub, query), sessionId);
  }

  @Delete(':id')
  @HttpCode(204)
  async end(
    @CurrentUser() { sub, sessionId }: AuthUser,
    @Param('id') id: string,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    await this.sessions.revoke(sub, id);
    if (id.toLowerCase() === sessionId) this.delivery.clear(response);
  }

  /** Signs the user out everywhere; `?keep=current` spares the session that asks. */
  @Delete()
  @HttpCode(204)
  async endAll(
    @CurrentUser() user: AuthUser,
    @QueryParams(endAllSchema) { keep }: z.output<typeof endAllSchema>,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<void> {
    const kept = keep === 'current' ? (user.sessionId ?? undefined) : undefined;
    await this.sessions.revokeAll(user.sub, 'revoked', kept);
    if (kept === undefined) this.delivery.clear(response);
  }
}
