import {
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ClientIp, type HttpRequest } from '../http/client-ip.js';
import type { RateLimitName } from '../options/auth-fort.options.js';
import { RateLimiter } from './rate-limiter.js';

const LIMIT = 'authfort:rate-limit';

/** Counts the request of this address against the limit that {@link RateLimit} names. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly limiter: RateLimiter,
    private readonly clientIp: ClientIp,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const name = this.reflector.get<RateLimitName>(LIMIT, context.getHandler());
    await this.limiter.consume(name, this.clientIp.of(context.switchToHttp().getRequest<HttpRequest>()));
    return true;
  }
}

/** Limits the route by client address. */
export function RateLimit(name: RateLimitName): MethodDecorator {
  return applyDecorators(SetMetadata(LIMIT, name), UseGuards(RateLimitGuard));
}
