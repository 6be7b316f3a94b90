import { Controller, Get, Inject, NotFoundException } from '@nestjs/common';
import { Public } from 'authfort-service';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';

/** `GET /.well-known/openid-configuration` (OpenID Connect Discovery §3, RFC 8414): what there is, when the issuer is a URL. */
@Controller()
@Public()
export class DiscoveryController {
  constructor(@Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig) {}

  @Get('.well-known/openid-configuration')
  discover(): Record<string, unknown> {
    const { issuer, introspectSecrets } = this.config;
    if (!/^https?:\/\//.test(issuer) || !URL.canParse(issuer)) throw new NotFoundException();
    const base = issuer.replace(/\/$/, '');
    return {
      issuer,
      jwks_uri: `${base}/.well-known/jwks.json`,
      ...(introspectSecrets.length > 0 && {
        introspection_endpoint: `${base}/introspect`,
        introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'bearer'],
      }),
      access_token_signing_alg_values_supported: ['RS256', 'ES256'],
      claims_supported: [
        'iss',
        'sub',
        'email',
        'name',
        'roles',
        'ver',
        'sid',
        'jti',
        'iat',
        'exp',
        'amr',
        'auth_time',
      ],
    };
  }
}
