import { Controller, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import { Public } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { isTame } from '../http/json-body.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { IntrospectionGuard } from './introspection.guard.js';
import { type IntrospectionResponse, IntrospectionService } from './introspection.service.js';

interface IntrospectionRequest {
  readonly headers: Record<string, string | undefined>;
  readonly body?: unknown;
}

/** `POST /introspect` and, below the route prefix, `POST /auth/introspect` (RFC 7662): form or JSON. */
@Controller()
@Public()
@UseGuards(IntrospectionGuard)
export class IntrospectionController {
  constructor(
    private readonly service: IntrospectionService,
    private readonly delivery: TokenDelivery,
  ) {}

  @Post('introspect')
  @HttpCode(200)
  introspect(
    @Req() request: IntrospectionRequest,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<IntrospectionResponse> {
    this.delivery.noStore(response);
    return this.service.introspect(readToken(request));
  }
}

function readToken({ headers, body }: IntrospectionRequest): string {
  if (!/^application\/(json|x-www-form-urlencoded)\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    throw authError('unsupported_media_type');
  }
  if (!isTame(body)) throw authError('invalid_json');
  const token =
    typeof body === 'object' && body !== null && Object.hasOwn(body, 'token')
      ? (body as { token: unknown }).token
      : undefined;
  if (typeof token === 'string') return token;
  throw authError('validation_error', { details: [{ field: 'token', message: 'must be a string' }] });
}
