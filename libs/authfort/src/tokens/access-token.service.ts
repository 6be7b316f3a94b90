import { randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { type SigningKey, KeyRing } from '../keys/key-ring.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { User } from '../users/user.js';

/** A token travels with every request, and a header line is 8 to 16 KiB at most. */
const PERMISSIONS_BYTES = 1024;
const signInThreadPool = promisify(sign);

/**
 * The `client_id` of every token that a sign-in at this server issues. RFC 9068 §2.2 requires the claim. Users sign in at the server's own
 * routes, so the client is the server's first-party one.
 */
export const FIRST_PARTY_CLIENT_ID = 'authfort';

/** The session that a token speaks for. */
export interface TokenSession {
  readonly id: string;
  readonly amr: readonly string[];
  /** The authentication context class of the sign-in; `sign-in/` decides it, nothing derives it from `amr`. */
  readonly acr: string;
  readonly createdAt: Date;
}

/** Issues access tokens: JWTs of the profile of RFC 9068, complete when an audience is configured. */
@Injectable()
export class AccessTokenService {
  private readonly logger = new Logger(AccessTokenService.name);
  private warned = false;
  private readonly headers = new WeakMap<SigningKey, string>();

  constructor(
    private readonly ring: KeyRing,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** Call it before committing what a token will be issued for. @throws AuthFortError `keys_unavailable` */
  assertReady(): void {
    this.ring.signingKey();
  }

  /** Signs a token for a session that is committed. The signature is computed in the thread pool. */
  async issue(user: User, session: TokenSession): Promise<string> {
    const key = this.ring.signingKey();
    const input = `${this.header(key)}.${encode(this.claims(user, session))}`;
    const signature = await signInThreadPool('sha256', Buffer.from(input), {
      key: key.privateKey,
      // RFC 7518 §3.4: R and S, not DER. RSA ignores it.
      dsaEncoding: 'ieee-p1363',
    });
    return `${input}.${signature.toString('base64url')}`;
  }

  private claims(user: User, session: TokenSession): Record<string, unknown> {
    const now = Math.floor(this.clock.now().getTime() / 1000);
    const { issuer, audience, claims, accessTokenTtlSeconds } = this.config;
    return {
      iss: issuer,
      sub: user.id,
      client_id: FIRST_PARTY_CLIENT_ID,
      ...(audience !== undefined && { aud: audience }),
      ...(claims.email && { email: user.email }),
      ...(claims.name && { name: user.name }),
      roles: user.roles,
      ...(claims.permissions && this.permissionsClaim(user.permissions)),
      ver: user.tokenVersion,
      sid: session.id,
      jti: randomUUID(),
      mfa_enabled: user.mfaEnabled,
      acr: session.acr,
      amr: session.amr,
      auth_time: Math.floor(session.createdAt.getTime() / 1000),
      iat: now,
      exp: now + accessTokenTtlSeconds,
    };
  }

  /** All or none: with some of them missing, a service would refuse what is permitted. Without the claim it asks. */
  private permissionsClaim(permissions: readonly string[]): { permissions?: readonly string[] } {
    if (Buffer.byteLength(JSON.stringify(permissions)) <= PERMISSIONS_BYTES) return { permissions };
    if (!this.warned) {
      this.warned = true;
      this.logger.warn(
        `A user's permissions are more than ${PERMISSIONS_BYTES} bytes, so their access tokens carry none and services have to introspect; it is said this once`,
      );
    }
    return {};
  }

  private header(key: SigningKey): string {
    let header = this.headers.get(key);
    if (!header) {
      // RFC 9068 §2.1: the type keeps other JWTs from being taken for access tokens.
      header = encode({ alg: key.algorithm, kid: key.kid, typ: 'at+jwt' });
      this.headers.set(key, header);
    }
    return header;
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
