import type { IncomingHttpHeaders } from 'node:http';
import { Controller, Headers, HttpCode, Post, UseGuards } from '@nestjs/common';
import { CurrentUser, Public } from 'authfort-service';
import { z } from 'zod';
import { BrowserGuard } from '../http/browser.guard.js';
import { Client } from '../http/client.decorator.js';
import type { ClientInfo } from '../http/client-info.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { done, type MessageResponse } from '../http/message.response.js';
import { RateLimit } from '../rate-limits/rate-limit.guard.js';
import { RateLimiter } from '../rate-limits/rate-limiter.js';
import { SessionHolder } from '../sessions/session-holder.js';
import type { SessionUser } from '../sessions/session.authenticator.js';
import { EmailVerificationService } from './email-verification.service.js';

const verifySchema = z.object({ token: text() });

/** `POST /auth/verify-email` and `/auth/verify-email/request` */
@Controller()
export class EmailVerificationController {
  constructor(
    private readonly verification: EmailVerificationService,
    private readonly holder: SessionHolder,
    private readonly limiter: RateLimiter,
  ) {}

  /** Needs no session: the mail may be read on another device. With one, the holder of the account is known to own the address. */
  @Post('verify-email')
  @Public()
  @UseGuards(BrowserGuard)
  @HttpCode(200)
  @RateLimit('redeem')
  async verify(
    @JsonBody(verifySchema) { token }: z.output<typeof verifySchema>,
    @Headers() headers: IncomingHttpHeaders,
    @Client() client: ClientInfo,
  ): Promise<MessageResponse> {
    await this.verification.verify(token, { client, signedInAs: await this.holder.userIdOf(headers) });
    return done('The address is confirmed');
  }

  @Post('verify-email/request')
  @HttpCode(200)
  @RateLimit('mailRequest')
  async request(@CurrentUser() { account }: SessionUser): Promise<MessageResponse> {
    if (account.emailVerified) return done('The address is confirmed already');
    await this.limiter.consume('mailPerAddress', '', `email_verification ${account.email}`);
    await this.verification.request(account);
    return done('A mail with a link is on its way');
  }
}
