import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { assertNotCrossSite } from 'authfort-service';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';

/**
 * Keeps other sites from driving the routes that set, use or clear cookies without an access token: sign-up, login, refresh and
 * logout. (Guarded routes are covered by the access guard.) A bearer-only server has nothing that a foreign page could use.
 */
@Injectable()
export class BrowserGuard implements CanActivate {
  constructor(@Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig) {}

  canActivate(context: ExecutionContext): boolean {
    if (this.config.cookie) assertNotCrossSite(context.switchToHttp().getRequest(), this.config.corsOrigins);
    return true;
  }
}
