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
import { OtpService } from './otp.service.js';

const requestSchema = z.object({ email: text() });
const verifySchema = z.object({ email: text(), code: text() });

/** `POST /auth/otp` and `/auth/otp/verify` */
@Controller()
@Public()
@UseGuards(BrowserGuard)
export class OtpController {
  constructor(
    private readonly otps: OtpService,
    private readonly mails: MailJobs,
    private readonly limiter: RateLimiter,
    private readonly delivery: TokenDelivery,
  ) {}

  /** The answer comes before anybody has looked whether there is such an account. */
  @Post('otp')
  @HttpCode(200)
  @RateLimit('mailRequest')
  async request(@JsonBody(requestSchema) body: z.output<typeof requestSchema>): Promise<MessageResponse> {
    const email = normalizeEmail(body.email);
    await this.limiter.consume('mailPerAddress', '', `email_otp ${email}`);
    await this.mails.request('email_otp', email);
    return done('If this address can sign in, a mail with a code is on its way');
  }

  @Post('otp/verify')
  @HttpCode(200)
  @RateLimit('redeem')
  async verify(
    @JsonBody(verifySchema) { email, code }: z.output<typeof verifySchema>,
    @Client() client: ClientInfo,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<AuthResponse> {
    const result = await this.otps.signIn(normalizeEmail(email), code, client);
    this.delivery.deliver(response, result);
    return toAuthResponse(result);
  }
}
