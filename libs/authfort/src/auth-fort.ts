import { Inject, Injectable } from '@nestjs/common';
import { type JwksDocument, KeyRing } from './keys/key-ring.js';
import { KeyRotationService } from './keys/key-rotation.service.js';
import { CleanupService } from './sessions/cleanup.service.js';
import { AuthFortAccounts } from './auth-fort-accounts.js';

/**
 * Everything that the routes do, for code of the auth app. Lifetimes are in seconds; ids are UUIDs. Every method throws
 * `AuthFortError {code, message, statusCode}`; the codes are those of docs/reference/errors.md.
 */
@Injectable()
export class AuthFort extends AuthFortAccounts {
  @Inject(KeyRing) private readonly ring!: KeyRing;
  @Inject(KeyRotationService) private readonly rotation!: KeyRotationService;
  @Inject(CleanupService) private readonly cleaning!: CleanupService;

  /** Makes the published `next` key the current one. @returns its kid. */
  rotateKey(): Promise<string> {
    return this.rotation.rotate();
  }

  /** Takes a key out at once: what it signed is refused. @returns false when there is no such key. */
  compromiseKey(kid: string): Promise<boolean> {
    return this.rotation.compromise(kid);
  }

  /** The document of `/.well-known/jwks.json`. @throws `keys_unavailable` */
  getJwks(): JwksDocument {
    return this.ring.jwks();
  }

  /** Deletes expired refresh tokens and sessions. It runs every hour by itself. @returns how many of each. */
  cleanup(): Promise<{ refreshTokens: number; sessions: number }> {
    return this.cleaning.cleanup();
  }
}
