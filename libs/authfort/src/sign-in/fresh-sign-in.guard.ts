import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { accessError, type AuthUser } from 'authfort-service';
import { FreshSignInPolicy } from './fresh-sign-in.policy.js';

/** Methods that change nothing (RFC 9110 §9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Lets a request that changes something through only within ten minutes of the sign-in (RFC 9470). The access guard runs before it. */
@Injectable()
export class FreshSignInGuard implements CanActivate {
  constructor(private readonly policy: FreshSignInPolicy) {}

  /** @throws AuthFortError `insufficient_user_authentication` */
  canActivate(context: ExecutionContext): boolean {
    const { method, user } = context.switchToHttp().getRequest<{ method: string; user?: AuthUser }>();
    if (SAFE_METHODS.has(method)) return true;
    if (!user) throw accessError('token_missing');
    this.policy.assertFresh(user);
    return true;
  }
}
