import { randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { type SigningKey, KeyRing } from '../keys/key-ring.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { User } from '../users/user.js';
import { isNearBound, maxTokenBytes } from './token-size.js';

/** A token travels with every request, and a header line is 8 to 16 KiB at most. */
const PERMISSIONS_BYTES = 1024;
const signInThreadPool = promisify(sign);
/**
 * The claims that a token drops when it would be too large, in this order, and the claims that replace them. `roles` stays: verifiers need
 * the claim, and an empty one permits nothing. Services that know `roles_omitted` introspect.
 */
const LEFT_OUT: readonly (readonly [claim: string, instead: Record<string, unknown>])[] = [
  ['permissions', {}],
  ['name', {}],
  ['roles', { roles: [], roles_omitted: true }],
];

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
  /** The absolute end of the session. */
  readonly expiresAt: Date;
}

/** An access token, and its lifetime in seconds. */
export interface IssuedAccessToken {
  readonly accessToken: string;
  readonly expiresIn: number;
}

/** Issues access tokens: JWTs of the profile of RFC 9068, complete when an audience is configured. */
@Injectable()
export class AccessTokenService {
  private readonly logger = new Logger(AccessTokenService.name);
  private warned = false;
  private warnedOfSize = false;
  private readonly maxBytes: number;
  private readonly headers = new WeakMap<SigningKey, string>();

  constructor(
    private readonly ring: KeyRing,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {
    this.maxBytes = maxTokenBytes(config);
  }

  /** Call it before committing what a token will be issued for. @throws AuthFortError `keys_unavailable` */
  assertReady(): void {
    this.ring.signingKey();
  }

  /** Signs a token for a session that is committed. The signature is computed in the thread pool. */
  async issue(user: User, session: TokenSession): Promise<IssuedAccessToken> {
    const key = this.ring.signingKey();
    const header = this.header(key);
    const claims = this.claims(user, session);
    const input = `${header}.${this.payload(user.id, claims, maxPayloadBytes(key, header, this.maxBytes))}`;
    const signature = await signInThreadPool('sha256', Buffer.from(input), {
      key: key.privateKey,
      // RFC 7518 §3.4: R and S, not DER. RSA ignores it.
      dsaEncoding: 'ieee-p1363',
    });
    return { accessToken: `${input}.${signature.toString('base64url')}`, expiresIn: claims.exp - claims.iat };
  }

  /**
   * The claims in base64url. Where they are longer than `bound`, the token carries fewer: a browser would drop its cookie otherwise. The
   * first to be left out are those that no verifier needs.
   */
  private payload(userId: string, all: Record<string, unknown>, bound: number): string {
    let claims = all;
    let payload = Buffer.from(JSON.stringify(claims));
    if (isNearBound(payload.length, bound)) this.warnOfSize(userId, payload.length, bound);
    for (const [name, replacement] of LEFT_OUT) {
      if (payload.length <= bound) break;
      if (!(name in claims)) continue;
      claims = { ...claims, [name]: undefined, ...replacement };
      payload = Buffer.from(JSON.stringify(claims));
    }
    return payload.toString('base64url');
  }

  private warnOfSize(userId: string, bytes: number, bound: number): void {
    if (this.warnedOfSize) return;
    this.warnedOfSize = true;
    this.logger.warn(
      `The access token of user ${userId} has ${bytes} bytes of claims; beyond ${bound} bytes it omits claims, and services have to introspect. Remove roles or permissions of the user. This is logged once`,
    );
  }

  private claims(user: User, session: TokenSession): { iat: number; exp: number } & Record<string, unknown> {
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
      // OpenID Connect Core §5.1. Not personal data, so it stays where `claims.email` is off.
      email_verified: user.emailVerified,
      acr: session.acr,
      amr: session.amr,
      auth_time: Math.floor(session.createdAt.getTime() / 1000),
      iat: now,
      // Services verify the token without the session, so the token must not outlive it.
      exp: Math.min(now + accessTokenTtlSeconds, Math.floor(session.expiresAt.getTime() / 1000)),
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

/** The part of `maxBytes` that remains for the claims: base64url makes four characters of three bytes. */
function maxPayloadBytes({ algorithm }: SigningKey, header: string, maxBytes: number): number {
  const signature = algorithm === 'ES256' ? 86 : 342;
  return Math.floor(((maxBytes - header.length - signature - 2) * 3) / 4);
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
