/** The claims of an access token as they are signed (RFC 9068, plus `roles`, `permissions`, `ver` and `sid`). */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly exp: number;
  readonly iat: number;
  readonly roles: readonly string[];
  /** True when the roles do not fit into a token: `roles` is empty then, and introspection returns them. */
  readonly roles_omitted?: boolean;
  /** What the roles permit, where the auth server puts it into its tokens. */
  readonly permissions?: readonly string[];
  /** Version of the user: raised whenever older tokens are to be refused. */
  readonly ver: number;
  readonly email?: string | null;
  readonly name?: string | null;
  readonly sid?: string;
  readonly jti?: string;
  readonly mfa_enabled?: boolean;
  /** OpenID Connect Core §5.1. */
  readonly email_verified?: boolean;
  readonly aud?: string | readonly string[];
  readonly [claim: string]: unknown;
}

/** The user of a request, from a verified token. */
export interface AuthUser {
  /** The user's id. */
  readonly sub: string;
  /** Null when the auth server leaves personal data out of its tokens. */
  readonly email: string | null;
  readonly name: string | null;
  readonly roles: readonly string[];
  /**
   * What the roles permit. In a service: undefined when the token has no such claim, since the auth server leaves permissions out by
   * default, and where they are too many for a token.
   */
  readonly permissions?: readonly string[];
  readonly tokenVersion: number;
  readonly sessionId: string | null;
  readonly mfaEnabled: boolean;
  /**
   * Whether the owner of the e-mail address has confirmed it, at the time the token was issued. False when the token has no
   * `email_verified` claim, as tokens of older auth servers.
   */
  readonly emailVerified: boolean;
  /** Seconds since 1970. */
  readonly exp: number;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly iss: string;
  /** Everything that was signed. */
  readonly claims: AccessTokenClaims;
}

/**
 * Reads the claims of a token whose signature has been verified. Undefined when one that is needed is missing or malformed. What it
 * returns serves many requests, so it is frozen through and through.
 */
export function toAuthUser(payload: unknown): AuthUser | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const claims = payload as AccessTokenClaims;
  const { iss, sub, exp, iat, roles, permissions, ver, email, name, sid } = claims;
  const { mfa_enabled: mfaEnabled, email_verified: emailVerified } = claims;
  const sound =
    [iss, sub].every((claim) => typeof claim === 'string' && claim !== '') &&
    [exp, iat].every((claim) => Number.isFinite(claim)) &&
    Number.isInteger(ver) &&
    isListOfTexts(roles) &&
    (permissions === undefined || isListOfTexts(permissions)) &&
    [email, name, sid].every((claim) => claim === undefined || claim === null || typeof claim === 'string') &&
    [mfaEnabled, emailVerified].every((claim) => claim === undefined || typeof claim === 'boolean');
  if (!sound) return undefined;
  return Object.freeze({
    sub,
    email: email ?? null,
    name: name ?? null,
    roles,
    permissions,
    tokenVersion: ver,
    sessionId: sid ?? null,
    mfaEnabled: mfaEnabled ?? false,
    emailVerified: emailVerified ?? false,
    exp,
    iat,
    iss,
    claims: freezeDeep(claims),
  });
}

function isListOfTexts(claim: unknown): boolean {
  return Array.isArray(claim) && claim.every((item) => typeof item === 'string');
}

function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) freezeDeep(member);
  return Object.freeze(value);
}
