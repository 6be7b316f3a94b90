import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import { authError } from '../errors/catalog.js';
import { ClientIp, type HttpRequest } from '../http/client-ip.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { RateLimiter } from '../rate-limits/rate-limiter.js';
import { IntrospectionCredential } from './introspection-credential.js';

/** Lets in who knows the introspection secret (RFC 7662 §2.1). Without a configured secret the route does not exist. */
@Injectable()
export class IntrospectionGuard implements CanActivate {
  private readonly credential: IntrospectionCredential | undefined;

  constructor(
    @Inject(AUTHFORT_CONFIG) { introspectSecrets }: AuthFortConfig,
    private readonly limiter: RateLimiter,
    private readonly clientIp: ClientIp,
  ) {
    this.credential =
      introspectSecrets.length > 0 ? new IntrospectionCredential(introspectSecrets) : undefined;
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (!this.credential) throw new NotFoundException();
    const request = context
      .switchToHttp()
      .getRequest<HttpRequest & { headers: { authorization?: string } }>();
    return this.credential.accepts(request.headers.authorization) || this.deny(this.clientIp.of(request));
  }

  private async deny(ip: string): Promise<never> {
    await this.limiter.consume('introspectDenied', ip);
    throw authError('unauthorized');
  }
}
