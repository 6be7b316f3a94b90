import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Public } from 'authfort-service';
import { sendDocument } from '../http/cached-document.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { KeyRing } from './key-ring.js';

/** `GET /.well-known/jwks.json` (RFC 7517 §5), from memory. */
@Controller()
@Public()
export class JwksController {
  private readonly maxAgeSeconds: number;

  constructor(
    private readonly ring: KeyRing,
    private readonly adapterHost: HttpAdapterHost,
    @Inject(AUTHFORT_CONFIG) { jwksMaxAgeSeconds }: AuthFortConfig,
  ) {
    this.maxAgeSeconds = jwksMaxAgeSeconds;
  }

  @Get('.well-known/jwks.json')
  jwks(@Headers('if-none-match') ifNoneMatch: string | undefined, @Res() response: unknown): void {
    const document = { ...this.ring.jwks(), maxAgeSeconds: this.maxAgeSeconds };
    sendDocument(this.adapterHost.httpAdapter, response, document, ifNoneMatch);
  }
}
