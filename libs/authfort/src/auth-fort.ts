import { Inject, Injectable } from '@nestjs/common';
import { type AuditPage, type AuditQuery, AuditService } from './admin/audit.service.js';
import { type DeadLetterPage, DeadLetterService } from './admin/dead-letter.service.js';
import { AuthFortAccounts } from './auth-fort-accounts.js';
import { type CleanupResult, CleanupService } from './cleanup/cleanup.service.js';
import { type JwksDocument, KeyRing } from './keys/key-ring.js';
import { KeyRotationService } from './keys/key-rotation.service.js';

/**
 * Everything that the routes do, for code of the auth app. Lifetimes are in seconds; ids are UUIDs. Every method throws
 * `AuthFortError {code, message, statusCode}`; the codes are those of docs/reference/errors.md.
 */
@Injectable()
export class AuthFort extends AuthFortAccounts {
  @Inject(KeyRing) private readonly ring!: KeyRing;
  @Inject(KeyRotationService) private readonly rotation!: KeyRotationService;
  @Inject(CleanupService) private readonly cleaning!: CleanupService;
  @Inject(AuditService) private readonly audit!: AuditService;
  @Inject(DeadLetterService) private readonly letters!: DeadLetterService;

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

  /** The audit log, newest first, in pages. @throws `validation_error` */
  listAuditEntries(query: AuditQuery = {}): Promise<AuditPage> {
    return this.audit.list(query);
  }

  /** Mails, webhook calls and durable events that were given up, the latest first, 50 a page unless `limit` (to 500) says otherwise. */
  listDeadLetters(limit?: number, cursor?: string): Promise<DeadLetterPage> {
    return this.letters.list(limit, cursor);
  }

  /** Has a dead letter delivered once more. @throws `dead_letter_not_found` */
  retryDeadLetter(id: string): Promise<void> {
    return this.letters.retry(id);
  }

  /** Deletes what has expired. It runs every hour by itself. @returns how many rows of each table. */
  cleanup(): Promise<CleanupResult> {
    return this.cleaning.cleanup();
  }
}
