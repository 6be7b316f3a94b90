import { Controller, HttpCode, Post, Res, UseGuards } from '@nestjs/common';
import { Public } from 'authfort-service';
import { z } from 'zod';
import { BrowserGuard } from '../http/browser.guard.js';
import { Client } from '../http/client.decorator.js';
import type { ClientInfo } from '../http/client-info.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { type AuthResponse, toAuthResponse } from '../sessions/auth.response.js';
import { RateLimit } from '../rate-limits/rate-limit.guard.js';
import { RateLimiter } from '../rate-limits/rate-limiter.js';
import { LoginService } from './login.service.js';

const loginSchema = z.object({ email: text(), password: text() });

/** `POST /auth/login` */
@Controller()
@Public()
@UseGuards(BrowserGuard)
export class LoginController {
  constructor(
    private readonly service: LoginService,
    private readonly limiter: RateLimiter,
    private readonly delivery: TokenDelivery,
  ) {}

  @Post('login')
  @HttpCode(200)
  @RateLimit('login')
  async login(
    @JsonBody(loginSchema) { email, password }: z.output<typeof loginSchema>,
    @Client() client: ClientInfo,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<AuthResponse> {
    // By address and account: an attacker is slowed down, and the account's owner is not locked out.
    const result = await this.service.login(email, password, client, (account) =>
      this.limiter.consume('loginPerAccount', client.ip, account),
    );
    this.delivery.deliver(response, result);
    return toAuthResponse(result);
  }
}
