import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Public } from 'authfort-service';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { KeyRing } from './key-ring.js';

/** `GET /.well-known/jwks.json` (RFC 7517 §5), from memory. */
@Controller()
@Public()
export class JwksController {
  private readonly cacheControl: string;

  constructor(
    private readonly ring: KeyRing,
    private readonly adapterHost: HttpAdapterHost,
    @Inject(AUTHFORT_CONFIG) { jwksMaxAgeSeconds }: AuthFortConfig,
  ) {
    this.cacheControl = `public, max-age=${jwksMaxAgeSeconds}`;
  }

  @Get('.well-known/jwks.json')
  jwks(@Headers('if-none-match') ifNoneMatch: string | undefined, @Res() response: unknown): void {
    const { body, etag } = this.ring.jwks();
    const adapter = this.adapterHost.httpAdapter;
    adapter.setHeader(response, 'Cache-Control', this.cacheControl);
    adapter.setHeader(response, 'ETag', etag);
    if (ifNoneMatch !== undefined && matches(ifNoneMatch, etag)) {
      adapter.reply(response, undefined, 304);
      return;
    }
    adapter.setHeader(response, 'Content-Type', 'application/json; charset=utf-8');
    adapter.reply(response, body, 200);
  }
}

/** RFC 9110 §13.1.2: weak comparison, a list, or *. */
function matches(ifNoneMatch: string, etag: string): boolean {
  const known = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag) || known.includes('*');
}
