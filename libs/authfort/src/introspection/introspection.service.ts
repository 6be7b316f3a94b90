import { Injectable } from '@nestjs/common';
import { AuthFortError } from 'authfort-service';
import { SessionAuthenticator, type SessionUser } from '../sessions/session.authenticator.js';

/** RFC 7662 §2.2. The response to an inactive token has no other member. */
export type IntrospectionResponse = { active: false } | ActiveIntrospection;

/** Claims of an active token; roles, permissions and version are those of the database. */
export interface ActiveIntrospection {
  active: true;
  sub: string;
  email: string;
  email_verified: boolean;
  /** Left out where the account has none. */
  name?: string;
  roles: readonly string[];
  /** Left out where there are none. */
  permissions?: readonly string[];
  token_version: number;
  exp: number;
  iat: number;
  iss: string;
  sid?: string;
  /** The claims of the token; each is left out where the token has none. */
  aud?: unknown;
  client_id?: unknown;
  jti?: unknown;
  acr?: unknown;
  auth_time?: unknown;
  token_type: 'Bearer';
}

/** Says whether an access token is still good, right now. */
@Injectable()
export class IntrospectionService {
  constructor(private readonly authenticator: SessionAuthenticator) {}

  /** @throws AuthFortError `keys_unavailable`; a token that is refused is an answer, not an error. */
  async introspect(token: string): Promise<IntrospectionResponse> {
    try {
      return describe(await this.authenticator.authenticate(token));
    } catch (error) {
      if (error instanceof AuthFortError && error.statusCode < 500) return { active: false };
      throw error;
    }
  }
}

function describe(user: SessionUser): ActiveIntrospection {
  return {
    active: true,
    sub: user.sub,
    email: user.account.email,
    email_verified: user.account.emailVerified,
    ...(user.account.name !== null && { name: user.account.name }),
    roles: user.roles,
    ...(user.account.permissions.length > 0 && { permissions: user.account.permissions }),
    token_version: user.account.tokenVersion,
    exp: user.exp,
    iat: user.iat,
    iss: user.iss,
    ...(user.sessionId !== null && { sid: user.sessionId }),
    // JSON leaves undefined members out.
    aud: user.claims.aud,
    client_id: user.claims.client_id,
    jti: user.claims.jti,
    acr: user.claims.acr,
    auth_time: user.claims.auth_time,
    token_type: 'Bearer',
  };
}
