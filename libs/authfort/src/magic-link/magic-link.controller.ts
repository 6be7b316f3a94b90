import { Controller, HttpCode, Post, Res, UseGuards } from '@nestjs/common';
import { Public } from 'authfort-service';
import { z } from 'zod';
import { BrowserGuard } from '../http/browser.guard.js';
import { Client } from '../http/client.decorator.js';
import type { ClientInfo } from '../http/client-info.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { done, type MessageResponse } from '../http/message.response.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { MailJobs } from '../mail/mail-jobs.js';
import { RateLimit } from '../rate-limits/rate-limit.guard.js';
import { RateLimiter } from '../rate-limits/rate-limiter.js';
import { type AuthResponse, toAuthResponse } from '../sessions/auth.response.js';
import { normalizeEmail } from '../users/user-fields.js';
import { MagicLinkService } from './magic-link.service.js';

const requestSchema = z.object({ email: text() });
const verifySchema = z.object({ token: text() });

/** `POST /auth/magic-link` and `/auth/magic-link/verify` */
@Controller()
@Public()
@UseGuards(BrowserGuard)
export class MagicLinkController {
  constructor(
    private readonly links: MagicLinkService,
    private readonly mails: MailJobs,
    private readonly limiter: RateLimiter,
    private readonly delivery: TokenDelivery,
  ) {}

  /** The answer comes before anybody has looked whether there is such an account. */
  @Post('magic-link')
  @HttpCode(200)
  @RateLimit('mailRequest')
  async request(@JsonBody(requestSchema) body: z.output<typeof requestSchema>): Promise<MessageResponse> {
    const email = normalizeEmail(body.email);
    await this.limiter.consume('mailPerAddress', '', `magic_link ${email}`);
    await this.mails.request('magic_link', email);
    return done('If this address can sign in, a mail with a link is on its way');
  }

  @Post('magic-link/verify')
  @HttpCode(200)
  @RateLimit('redeem')
  async verify(
    @JsonBody(verifySchema) { token }: z.output<typeof verifySchema>,
    @Client() client: ClientInfo,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<AuthResponse> {
    const result = await this.links.signIn(token, client);
    this.delivery.deliver(response, result);
    return toAuthResponse(result);
  }
}
