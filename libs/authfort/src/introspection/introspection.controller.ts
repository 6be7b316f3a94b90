import { Controller, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import { Public } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { isTame } from '../http/json-body.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { IntrospectionGuard } from './introspection.guard.js';
import { bodyParameter } from './presented-credential.js';
import { type IntrospectionResponse, IntrospectionService } from './introspection.service.js';

const FORM = /^application\/x-www-form-urlencoded\s*(;|$)/i;
const FORM_OR_JSON = /^application\/(json|x-www-form-urlencoded)\s*(;|$)/i;

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

/** RFC 7662 §2.1: `token` is required. `token_type_hint` is ignored, since every token is looked up in the same way. */
function readToken({ headers, body }: IntrospectionRequest): string {
  const contentType = headers['content-type'] ?? '';
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (hasBody && !FORM_OR_JSON.test(contentType)) throw authError('unsupported_media_type');
  if (!isTame(body)) throw authError('invalid_json');
  if (FORM.test(contentType)) refuseRepeated(body);
  const token = bodyParameter(body, 'token');
  if (token === undefined) throw authError('invalid_request');
  return token;
}

/** RFC 6749 §3.2: parameters must not be included more than once. The parsers make a list or an object of a repeated one. */
function refuseRepeated(body: unknown): void {
  const values = typeof body === 'object' && body !== null ? Object.values(body) : [];
  if (values.some((value) => typeof value !== 'string')) throw authError('invalid_request');
}
