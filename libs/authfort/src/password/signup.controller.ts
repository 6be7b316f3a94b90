import { Controller, Post, Res, UseGuards } from '@nestjs/common';
import { Public } from 'authfort-service';
import { z } from 'zod';
import { BrowserGuard } from '../http/browser.guard.js';
import { Client } from '../http/client.decorator.js';
import type { ClientInfo } from '../http/client-info.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { type AuthResponse, toAuthResponse } from '../sessions/auth.response.js';
import { RateLimit } from '../rate-limits/rate-limit.guard.js';
import { toUserResponse, type UserResponse } from '../users/user.response.js';
import { SignupService } from './signup.service.js';

const signupSchema = z.object({
  email: text(),
  password: text(),
  name: text().nullish(),
  avatar_url: text().nullish(),
  phone: text().nullish(),
});

/** The answer with `requireVerifiedEmail`: the account exists, and nobody is signed in. */
interface UnverifiedSignupResponse {
  user: UserResponse;
  tokens: null;
}

/** `POST /auth/signup` */
@Controller()
@Public()
@UseGuards(BrowserGuard)
export class SignupController {
  constructor(
    private readonly service: SignupService,
    private readonly delivery: TokenDelivery,
  ) {}

  @Post('signup')
  @RateLimit('signup')
  async signup(
    @JsonBody(signupSchema) { avatar_url: avatarUrl, ...input }: z.output<typeof signupSchema>,
    @Client() client: ClientInfo,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<AuthResponse | UnverifiedSignupResponse> {
    const result = await this.service.signup({ ...input, avatarUrl }, client);
    if (result.tokens === null) {
      this.delivery.noStore(response);
      return { user: toUserResponse(result.user, null), tokens: null };
    }
    this.delivery.deliver(response, result);
    return toAuthResponse(result);
  }
}
