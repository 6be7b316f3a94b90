import { Controller, Get, Headers, Inject, NotFoundException, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Public } from 'authfort-service';
import { type CachedDocument, etagOf, sendDocument } from '../http/cached-document.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';

const WELL_KNOWN = '/.well-known/oauth-authorization-server';
/** The document changes with a new configuration only. */
const MAX_AGE_SECONDS = 3600;

/**
 * Authorization server metadata (RFC 8414), when the issuer is a URL. The document is at the place that §3.1 gives it: the path of the
 * issuer follows the well-known path. There is no `openid-configuration`, since the server is no OpenID Provider.
 */
@Controller()
@Public()
export class DiscoveryController {
  private readonly path: string | undefined;
  private readonly document: CachedDocument | undefined;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    @Inject(AUTHFORT_CONFIG) config: AuthFortConfig,
  ) {
    if (!/^https?:\/\//i.test(config.issuer) || !URL.canParse(config.issuer)) return;
    // RFC 8414 §3.1: a terminating slash is removed.
    this.path = WELL_KNOWN + new URL(config.issuer).pathname.replace(/\/$/, '');
    const body = JSON.stringify(metadata(config));
    this.document = { body, etag: etagOf(body), maxAgeSeconds: MAX_AGE_SECONDS };
  }

  @Get(['', '/:a', '/:a/:b', '/:a/:b/:c'].map((path) => WELL_KNOWN + path))
  discover(
    @Req() { url }: { readonly url: string },
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res() response: unknown,
  ): void {
    const [path] = url.split('?');
    if (!this.document || path !== this.path) throw new NotFoundException();
    sendDocument(this.adapterHost.httpAdapter, response, this.document, ifNoneMatch);
  }
}

/** The routes are at the root of the host, for every path of the issuer. */
function metadata({ issuer, introspectSecrets }: AuthFortConfig): Record<string, unknown> {
  const { origin } = new URL(issuer);
  return {
    issuer,
    jwks_uri: `${origin}/.well-known/jwks.json`,
    // RFC 8414 §2 requires the member, and §3.2 forbids an empty list: `none` is the registered value for a response without parameters.
    response_types_supported: ['none'],
    // Users sign in at the server's own routes. An omitted member would mean authorization_code and implicit.
    grant_types_supported: [],
    ...(introspectSecrets.length > 0 && {
      introspection_endpoint: `${origin}/introspect`,
      // `Bearer` is of the registry of access token types, which RFC 8414 §2 allows here.
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'Bearer'],
    }),
  };
}
