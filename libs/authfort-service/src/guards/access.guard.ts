import type { IncomingHttpHeaders } from 'node:http';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { inFormOf } from '../contexts/refusal.js';
import { accessError } from '../errors/access-errors.js';
import { AuthFortError } from '../errors/auth-fort.error.js';
import type { AuthUser } from '../token/auth-user.js';
import { TokenAuthenticator } from '../token/token-authenticator.port.js';
import { type AccessRequirement, type GuardMode, requirementOf } from './access-requirement.js';
import { assertNotCrossSite } from './csrf.policy.js';
import { extractToken } from './extract-token.js';

/** How the guard guards. */
export interface AccessGuardOptions {
  readonly mode: GuardMode;
  /** Name of the access cookie; undefined: bearer tokens only. */
  readonly cookieName: string | undefined;
  /** Origins that may send state-changing requests by cookie. */
  readonly allowedOrigins: readonly string[];
}

/** DI token of {@link AccessGuardOptions}. */
export const ACCESS_GUARD_OPTIONS = Symbol('ACCESS_GUARD_OPTIONS');

interface GuardedRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  user?: AuthUser;
}

/** What a handler asks for. Controllers may inherit it from one class and differ in their own decorators. */
interface KnownRequirement {
  /** The first that it was called in; nearly always the only one. */
  readonly controller: object;
  readonly requirement: AccessRequirement | 'public';
  /** In other controllers. */
  readonly elsewhere: WeakMap<object, AccessRequirement | 'public'>;
}

/**
 * Lets a request through whose token is good and whose user has a role and the permissions that the route asks for. Registered for
 * the whole app. What a route asks for is read from its decorators once.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly requirements = new WeakMap<object, KnownRequirement>();

  constructor(
    private readonly authenticator: TokenAuthenticator,
    @Inject(ACCESS_GUARD_OPTIONS) private readonly options: AccessGuardOptions,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** @throws AuthFortError; its headers are set already, so that an app without the error filter answers rightly too */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const requirement = this.requirementFor(context);
    if (requirement === 'public') return true;
    // The tokens of other transports are not read, so their requests have no user.
    if (context.getType() !== 'http') throw inFormOf(context, accessError('token_missing'));
    // What `switchToHttp().getRequest()` returns, without the objects that it makes on the way.
    const request = context.getArgByIndex<GuardedRequest>(0);
    try {
      const { authorization } = request.headers;
      const known = authorization === undefined ? undefined : this.authenticator.recall(authorization);
      if (known !== undefined && !this.needsConfirmation(known, requirement))
        return this.admit(request, known, requirement);
      const token = this.tokenOf(request);
      const user = this.authenticator.authenticate(token);
      if (!(user instanceof Promise) && !this.needsConfirmation(user, requirement))
        return this.admit(request, user, requirement);
      return this.admitLater(request, user, token, requirement).catch((error: unknown) =>
        this.refuse(context, error),
      );
    } catch (error) {
      return this.refuse(context, error);
    }
  }

  private tokenOf(request: GuardedRequest): string {
    const { cookieName, allowedOrigins } = this.options;
    const presented = extractToken(request, cookieName);
    if (!presented) throw accessError('token_missing');
    if (presented.via === 'cookie') assertNotCrossSite(request, allowedOrigins);
    return presented.token;
  }

  private async admitLater(
    request: GuardedRequest,
    authenticating: AuthUser | Promise<AuthUser>,
    token: string,
    requirement: AccessRequirement,
  ): Promise<boolean> {
    const user = await authenticating;
    const confirmed = this.needsConfirmation(user, requirement)
      ? await this.authenticator.confirm(user, token)
      : user;
    return this.admit(request, confirmed, requirement);
  }

  /** Also for roles and permissions that the token does not carry: there may be none, or too many for it. */
  private needsConfirmation(user: AuthUser, { introspect, permissions, roles }: AccessRequirement): boolean {
    const unknown =
      (permissions !== undefined && user.permissions === undefined) ||
      (roles !== undefined && user.claims.roles_omitted === true);
    return introspect || (unknown && this.authenticator.canConfirm);
  }

  private admit(request: GuardedRequest, user: AuthUser, { roles, permissions }: AccessRequirement): true {
    if (roles && !user.roles.some((role) => roles.has(role))) throw accessError('insufficient_role');
    if (permissions && !permissions.every((permission) => user.permissions?.includes(permission)))
      throw accessError('insufficient_permission');
    request.user = user;
    return true;
  }

  private refuse(context: ExecutionContext, error: unknown): never {
    const { httpAdapter } = this.adapterHost;
    if (error instanceof AuthFortError) {
      const response: unknown = context.switchToHttp().getResponse();
      for (const [name, value] of Object.entries(error.headers)) httpAdapter.setHeader(response, name, value);
    }
    throw error;
  }

  private requirementFor(context: ExecutionContext): AccessRequirement | 'public' {
    const [controller, handler] = [context.getClass(), context.getHandler() as (...args: never[]) => unknown];
    const known = this.requirements.get(handler);
    if (known?.controller === controller) return known.requirement;
    const requirement =
      known?.elsewhere.get(controller) ?? requirementOf(controller, handler, this.options.mode) ?? 'public';
    if (known) known.elsewhere.set(controller, requirement);
    else this.requirements.set(handler, { controller, requirement, elsewhere: new WeakMap() });
    return requirement;
  }
}
