import type { IncomingHttpHeaders } from 'node:http';
import { Controller, Headers, HttpCode, Post, UseGuards } from '@nestjs/common';
import { CurrentUser, Public } from 'authfort-service';
import { z } from 'zod';
import { ReauthenticationService } from '../password/reauthentication.service.js';
import { BrowserGuard } from '../http/browser.guard.js';
import { Client } from '../http/client.decorator.js';
import type { ClientInfo } from '../http/client-info.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { done, type MessageResponse } from '../http/message.response.js';
import { RateLimit } from '../rate-limits/rate-limit.guard.js';
import { RateLimiter } from '../rate-limits/rate-limiter.js';
import { SessionHolder } from '../sessions/session-holder.js';
import type { SessionUser } from '../sessions/session.authenticator.js';
import { normalizeEmail } from '../users/user-fields.js';
import { EmailChangeService } from './email-change.service.js';

const requestSchema = z.object({ email: text(), password: text().optional() });
const confirmSchema = z.object({ token: text() });

/** `POST /auth/email-change` and `/auth/email-change/confirm` */
@Controller()
export class EmailChangeController {
  constructor(
    private readonly changes: EmailChangeService,
    private readonly reauthentication: ReauthenticationService,
    private readonly holder: SessionHolder,
    private readonly limiter: RateLimiter,
  ) {}

  @Post('email-change')
  @HttpCode(200)
  @RateLimit('mailRequest')
  async request(
    @CurrentUser() user: SessionUser,
    @JsonBody(requestSchema) body: z.output<typeof requestSchema>,
  ): Promise<MessageResponse> {
    const email = normalizeEmail(body.email);
    await this.reauthentication.assert(user, body.password);
    // Both are written to.
    for (const address of [user.account.email, email])
      await this.limiter.consume('mailPerAddress', '', `email_change ${address}`);
    await this.changes.request({ ...user.account, sessionId: user.sessionId }, email);
    return done('If this address is free, a mail with a link is on its way to it');
  }

  /** Needs no session: the mail may be read on another device. With one, the holder of the account is known to own the address. */
  @Post('email-change/confirm')
  @Public()
  @UseGuards(BrowserGuard)
  @HttpCode(200)
  @RateLimit('redeem')
  async confirm(
    @JsonBody(confirmSchema) { token }: z.output<typeof confirmSchema>,
    @Headers() headers: IncomingHttpHeaders,
    @Client() client: ClientInfo,
  ): Promise<MessageResponse> {
    await this.changes.confirm(token, { client, signedInAs: await this.holder.userIdOf(headers) });
    return done('The address is changed');
  }
}
