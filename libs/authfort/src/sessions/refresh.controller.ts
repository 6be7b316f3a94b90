import type { IncomingHttpHeaders } from 'node:http';
import { Controller, Headers, HttpCode, Post, Res, UseGuards } from '@nestjs/common';
import { Public } from 'authfort-service';
import { z } from 'zod';
import { authError } from '../errors/catalog.js';
import { BrowserGuard } from '../http/browser.guard.js';
import { Client } from '../http/client.decorator.js';
import type { ClientInfo } from '../http/client-info.js';
import { JsonBody, text } from '../http/json-body.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { RateLimit } from '../rate-limits/rate-limit.guard.js';
import { type AuthResponse, toAuthResponse } from './auth.response.js';
import { RefreshTokenReader } from './refresh-token.reader.js';
import { RefreshService } from './refresh.service.js';

const refreshSchema = z.object({ refresh_token: text().nullish() });

/** `POST /auth/refresh` */
@Controller()
@Public()
@UseGuards(BrowserGuard)
export class RefreshController {
  constructor(
    private readonly service: RefreshService,
    private readonly reader: RefreshTokenReader,
    private readonly delivery: TokenDelivery,
  ) {}

  @Post('refresh')
  @HttpCode(200)
  @RateLimit('refresh')
  async refresh(
    @JsonBody(refreshSchema) body: z.output<typeof refreshSchema>,
    @Headers() headers: IncomingHttpHeaders,
    @Client() client: ClientInfo,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<AuthResponse> {
    const presented = await this.reader.read(body.refresh_token, headers);
    if (!presented) throw authError('refresh_token_missing');
    const result = await this.service.refresh(presented.token, client, presented);
    this.delivery.deliver(response, result, 'refresh');
    return toAuthResponse(result);
  }
}
