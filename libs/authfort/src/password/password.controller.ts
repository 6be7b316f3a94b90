import { Controller, HttpCode, Post, Res, UseGuards } from '@nestjs/common';
import { CurrentUser, Public } from 'authfort-service';
import { z } from 'zod';
import { BrowserGuard } from '../http/browser.guard.js';
import type { ClientInfo } from '../http/client-info.js';
import { Client } from '../http/client.decorator.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { done, type MessageResponse } from '../http/message.response.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { MailJobs } from '../mail/mail-jobs.js';
import { RateLimit } from '../rate-limits/rate-limit.guard.js';
import { RateLimiter } from '../rate-limits/rate-limiter.js';
import type { SessionUser } from '../sessions/session.authenticator.js';
import { normalizeEmail } from '../users/user-fields.js';
import { ChangePasswordService } from './change-password.service.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordResetService } from './password-reset.service.js';
import { ReauthenticationService } from './reauthentication.service.js';

const forgotSchema = z.object({ email: text() });
const resetSchema = z.object({ token: text(), new_password: text() });
const changeSchema = z.object({
  old_password: text(),
  new_password: text(),
  sessions: z.enum(['others', 'all']).default('others'),
});
const setSchema = z.object({ password: text() });

/** Forgotten passwords, and those of who is signed in. */
@Controller()
export class PasswordController {
  constructor(
    private readonly resets: PasswordResetService,
    private readonly passwords: ChangePasswordService,
    private readonly reauthentication: ReauthenticationService,
    private readonly hasher: PasswordHasher,
    private readonly mails: MailJobs,
    private readonly limiter: RateLimiter,
    private readonly delivery: TokenDelivery,
  ) {}

  /** The answer comes before anybody has looked whether there is such an account. */
  @Post('forgot-password')
  @Public()
  @UseGuards(BrowserGuard)
  @HttpCode(200)
  @RateLimit('mailRequest')
  async forgot(@JsonBody(forgotSchema) body: z.output<typeof forgotSchema>): Promise<MessageResponse> {
    const email = normalizeEmail(body.email);
    await this.limiter.consume('mailPerAddress', '', `password_reset ${email}`);
    await this.mails.request('password_reset', email);
    return done('If there is an account with this address, a mail with a link is on its way');
  }

  @Post('reset-password')
  @Public()
  @UseGuards(BrowserGuard)
  @HttpCode(200)
  @RateLimit('redeem')
  async reset(
    @JsonBody(resetSchema) body: z.output<typeof resetSchema>,
    @Client() client: ClientInfo,
  ): Promise<MessageResponse> {
    await this.resets.reset(body.token, body.new_password, client);
    return done('The password is set; sign in with it');
  }

  @Post('change-password')
  @HttpCode(200)
  async change(
    @CurrentUser() { account, sessionId }: SessionUser,
    @JsonBody(changeSchema) body: z.output<typeof changeSchema>,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<MessageResponse> {
    const kept = body.sessions === 'others' ? (sessionId ?? undefined) : undefined;
    // The place comes first: an attempt that is refused as overloaded is not counted.
    await this.hasher.reserved(async () => {
      await this.limiter.consume('passwordCheck', '', `${account.id} ${sessionId}`);
      await this.passwords.change(account, body.old_password, body.new_password, kept);
    });
    if (kept === undefined) this.delivery.clear(response);
    return done(
      kept ? 'The password is changed; refresh this session' : 'The password is changed; sign in with it',
    );
  }

  @Post('set-password')
  @HttpCode(200)
  async set(
    @CurrentUser() user: SessionUser,
    @JsonBody(setSchema) body: z.output<typeof setSchema>,
  ): Promise<MessageResponse> {
    this.reauthentication.assertFresh(user);
    await this.passwords.set({ ...user.account, sessionId: user.sessionId }, body.password);
    return done('The password is set');
  }
}
