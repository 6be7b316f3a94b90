import { Injectable } from '@nestjs/common';
import { accessError } from './errors/access-errors.js';
import { Drain } from './http/drain.js';
import { IntrospectionClient } from './introspection/introspection.client.js';
import type { IntrospectionResult } from './introspection/introspection-result.js';
import { RevocationFeedClient, type RevocationFeedState } from './revocation/revocation-feed.client.js';
import { StalePolicy } from './revocation/stale.policy.js';
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
    private readonly stalePolicy: StalePolicy,
    private readonly feed: RevocationFeedClient,
    private readonly drain: Drain,
  ) {
    super();
  }

  /**
   * Verifies a token as the guard does: locally, and against what the revocation feed has told.
   * @throws AuthFortError `token_invalid`, `token_expired`, `keys_unavailable`; with a feed also `session_revoked`,
   *   `token_version_mismatch` and, depending on `revocations.whenStale`, `revocations_unavailable` or `introspection_unavailable`
   */
  async verifyToken(token: string): Promise<AuthUser> {
    return this.authenticate(token);
  }

  /** Asks the auth server, in real time. @throws AuthFortError `introspection_unavailable` */
  introspect(token: string): Promise<IntrospectionResult> {
    return this.introspection.introspect(token);
  }

  /** For a readiness probe: whether there are keys to verify with, and the app has not been asked to stop. */
  async ready(): Promise<boolean> {
    return !this.drain.draining && (await this.keys.ready());
  }

  /** How the revocation feed is doing, for metrics; undefined: none is configured. */
  get revocations(): RevocationFeedState | undefined {
    return this.feed.state;
  }

  override authenticate(token: string): AuthUser | Promise<AuthUser> {
    const verified = this.verifier.verify(token);
    return verified instanceof Promise
      ? verified.then((user) => this.admit(user, token))
      : this.admit(verified, token);
  }

  /** Accepts the user of a verified token. While it is unknown whether the token was revoked, `revocations.whenStale` decides. */
  admit(user: AuthUser, token: string): AuthUser | Promise<AuthUser> {
    return this.stalePolicy.mustConfirm(user) ? this.confirm(user, token) : user;
  }

  override recall(authorization: string): AuthUser | undefined {
    const known = this.verifier.recall(authorization);
    return known !== undefined && this.stalePolicy.mustConfirm(known) ? undefined : known;
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
      emailVerified: result.emailVerified ?? user.emailVerified,
      name: result.name,
      roles: result.roles,
      // What the token says is not of this moment: an auth server that says nothing grants nothing.
      permissions: result.permissions ?? undefined,
      tokenVersion: result.tokenVersion,
    };
  }
}
