import { hash, timingSafeEqual } from 'node:crypto';
import type { PresentedCredential } from './presented-credential.js';

/**
 * Compares a presented credential with the configured secrets. Digests of equal length are compared, so neither length nor content shows
 * in the time. The client id is free: the secret is shared by all services.
 */
export class IntrospectionCredential {
  /** The digests of each spelling, with the position of its secret. */
  private readonly accepted: readonly (readonly [Buffer, number])[];

  constructor(secrets: readonly string[]) {
    // A client may have encoded a secret beyond ASCII as UTF-8 or as Latin-1 (RFC 7617 §2.1). For ASCII both are the same bytes.
    this.accepted = secrets.flatMap((secret, position) =>
      (['utf8', 'latin1'] as const).map(
        (encoding) => [digest(Buffer.from(secret, encoding)), position] as const,
      ),
    );
  }

  /** Whether the credential is one of the secrets. */
  accepts(presented: PresentedCredential): boolean {
    return this.positionOf(presented) !== undefined;
  }

  /** The position of the secret that was presented, in the order of the constructor. The client id and the spelling make no difference. */
  positionOf({ secrets }: PresentedCredential): number | undefined {
    let found: number | undefined;
    for (const secret of secrets) {
      if (secret.length === 0) continue;
      const candidate = digest(secret);
      for (const [known, position] of this.accepted)
        if (timingSafeEqual(known, candidate)) found ??= position;
    }
    return found;
  }
}

function digest(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}
