import { hash, timingSafeEqual } from 'node:crypto';

/**
 * Checks `Authorization: Bearer <secret>` (RFC 6750) or Basic (RFC 7617; the secret is the password, the user name is free)
 * against the configured secrets. Digests of equal length are compared, so neither length nor content shows in the time.
 *
 * HTTP header values arrive as Latin-1. A secret beyond ASCII may have been sent as UTF-8 bytes, as Latin-1 or, in Basic,
 * percent-encoded (RFC 6749 §2.3.1): each of them is accepted.
 */
export class IntrospectionCredential {
  private readonly accepted: readonly Buffer[];

  constructor(secrets: readonly string[]) {
    // Of most secrets the three are one.
    const spellings = secrets.flatMap((secret) => [
      Buffer.from(secret, 'utf8').toString('latin1'),
      secret,
      encodeURIComponent(secret),
    ]);
    this.accepted = [...new Set(spellings)].map((spelling) => digest(Buffer.from(spelling, 'latin1')));
  }

  /** Whether the header carries one of the secrets. */
  accepts(authorization: string | undefined): boolean {
    const presented = presentedSecret(authorization ?? '');
    if (!presented || presented.length === 0) return false;
    const candidate = digest(presented);
    return this.accepted.reduce((found, known) => timingSafeEqual(known, candidate) || found, false);
  }
}

function presentedSecret(authorization: string): Buffer | undefined {
  const [, scheme, value] = /^(bearer|basic) +(\S.*?) *$/i.exec(authorization) ?? [];
  if (!scheme || !value) return undefined;
  if (scheme.toLowerCase() === 'bearer') return Buffer.from(value, 'latin1');
  const credentials = Buffer.from(value, 'base64');
  const colon = credentials.indexOf(':');
  return colon < 0 ? undefined : credentials.subarray(colon + 1);
}

function digest(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}
