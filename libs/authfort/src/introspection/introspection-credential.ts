import { hash, timingSafeEqual } from 'node:crypto';
import type { PresentedCredential } from './presented-credential.js';

/**
 * Compares a presented credential with the configured secrets. Digests of equal length are compared, so neither length nor content shows
 * in the time. The client id is free: the secret is shared by all services.
 */
export class IntrospectionCredential {
  private readonly accepted: readonly Buffer[];

  constructor(secrets: readonly string[]) {
    // A client may have encoded a secret beyond ASCII as UTF-8 or as Latin-1 (RFC 7617 §2.1). For ASCII both are the same bytes.
    const spellings = secrets.flatMap((secret) => [
      Buffer.from(secret, 'utf8').toString('latin1'),
      Buffer.from(secret, 'latin1').toString('latin1'),
    ]);
    this.accepted = [...new Set(spellings)].map((spelling) => digest(Buffer.from(spelling, 'latin1')));
  }

  /** Whether the credential is one of the secrets. */
  accepts({ secrets }: PresentedCredential): boolean {
    let found = false;
    for (const secret of secrets) {
      if (secret.length === 0) continue;
      const candidate = digest(secret);
      for (const known of this.accepted) found = timingSafeEqual(known, candidate) || found;
    }
    return found;
  }
}

function digest(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}
