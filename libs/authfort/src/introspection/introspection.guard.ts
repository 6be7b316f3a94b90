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
import {
  type PresentedCredential,
  presentedCredential,
  type RequestWithCredentials,
} from './presented-credential.js';

/**
 * Authenticates the clients of introspection and of the revocation feed (RFC 7662 §2.1): Bearer, `client_secret_basic` or
 * `client_secret_post`. Without a configured secret the routes do not exist.
 */
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

  /** @throws AuthFortError `unauthorized` without a credential, `invalid_client` for a wrong one, `invalid_request` for two */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (!this.credential) throw new NotFoundException();
    const request = context.switchToHttp().getRequest<HttpRequest & RequestWithCredentials>();
    const presented = presentedCredential(request);
    if (presented !== undefined && this.credential.accepts(presented)) return true;
    return this.deny(presented, this.clientIp.of(request));
  }

  private async deny(presented: PresentedCredential | undefined, ip: string): Promise<never> {
    await this.limiter.consume('introspectDenied', ip);
    if (presented === undefined) throw authError('unauthorized');
    // RFC 6749 §5.2: the challenge matches the scheme that the client used. RFC 6750 §3.1 names the error of a Bearer challenge.
    const inBasic = presented.method.startsWith('client_secret');
    throw authError('invalid_client', { authenticate: inBasic ? 'basic' : 'invalid_token' });
  }
}
