import { Injectable } from '@nestjs/common';
import { accessError } from './errors/access-errors.js';
import { IntrospectionClient } from './introspection/introspection.client.js';
import type { IntrospectionResult } from './introspection/introspection-result.js';
import { AccessTokenVerifier } from './token/access-token.verifier.js';
import type { AuthUser } from './token/auth-user.js';
import { JwksKeySource } from './token/jwks.key-source.js';
import { TokenAuthenticator } from './token/token-authenticator.port.js';

/** Verifies tokens by hand, for what the guard does not cover: sockets, queues, jobs. */
@Injectable()
export class ServiceAuth extends TokenAuthenticator {
  constructor(
    private readonly verifier: AccessTokenVerifier,
    private readonly introspection: IntrospectionClient,
    private readonly keys: JwksKeySource,
  ) {
    super();
  }

  /** Verifies a token locally. @throws AuthFortError `token_invalid`, `token_expired`, `keys_unavailable` */
  async verifyToken(token: string): Promise<AuthUser> {
    return this.verifier.verify(token);
  }

  /** Asks the auth server, in real time. @throws AuthFortError `introspection_unavailable` */
  introspect(token: string): Promise<IntrospectionResult> {
    return this.introspection.introspect(token);
  }

  /** Whether there are keys to verify with: for a readiness probe. */
  ready(): Promise<boolean> {
    return this.keys.ready();
  }

  override authenticate(token: string): AuthUser | Promise<AuthUser> {
    return this.verifier.verify(token);
  }

  override recall(authorization: string): AuthUser | undefined {
    return this.verifier.recall(authorization);
  }

  override get canConfirm(): boolean {
    return this.introspection.configured;
  }

  override async confirm(user: AuthUser, token: string): Promise<AuthUser> {
    const result = await this.introspection.introspect(token);
    if (!result.active || result.sub !== user.sub) throw accessError('session_revoked');
    return {
      ...user,
      email: result.email,
      name: result.name,
      roles: result.roles,
      // What the token says is not of this moment: an auth server that says nothing grants nothing.
      permissions: result.permissions ?? undefined,
      tokenVersion: result.tokenVersion,
    };
  }
}
