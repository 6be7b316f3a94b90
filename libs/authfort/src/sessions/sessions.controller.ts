import { Controller, Delete, Get, HttpCode, Param, Res } from '@nestjs/common';
import { type AuthUser, CurrentUser } from 'authfort-service';
import { z } from 'zod';
import { QueryParams } from '../http/query-params.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { type SessionResponse, toSessionResponse } from './session.response.js';
import { SessionService } from './session.service.js';

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
  async list(
    @CurrentUser() { sub, sessionId }: AuthUser,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<{ sessions: SessionResponse[] }> {
    this.delivery.noStore(response);
    const sessions = await this.sessions.list(sub);
    return { sessions: sessions.map((session) => toSessionResponse(session, sessionId)) };
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
