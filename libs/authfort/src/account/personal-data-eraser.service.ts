import { Injectable } from '@nestjs/common';
import { EventLogRepository } from '../events/event-log.repository.js';
import { OutboxEraser } from '../events/outbox-eraser.repository.js';
import { PendingProofsService } from '../one-time/pending-proofs.service.js';
import { PasswordRepository } from '../password/password.repository.js';
import { RoleRepository } from '../roles/role.repository.js';
import { AllSessionsRepository } from '../sessions/all-sessions.repository.js';
import { SessionRepository } from '../sessions/session.repository.js';

/** Erases what the features keep of a user, beside the account itself. */
@Injectable()
export class PersonalDataEraser {
  constructor(
    private readonly sessions: SessionRepository,
    private readonly allSessions: AllSessionsRepository,
    private readonly roles: RoleRepository,
    private readonly passwords: PasswordRepository,
    private readonly proofs: PendingProofsService,
    private readonly outbox: OutboxEraser,
    private readonly log: EventLogRepository,
  ) {}

  /**
   * Part of the surrounding transaction. Sessions end. They stay as evidence against their refresh tokens, without address and device,
   * unless the account is deleted `hard`.
   */
  async erase(userId: string, email: string, now: Date, hard: boolean): Promise<void> {
    await this.allSessions.end(userId, 'deleted', now);
    await (hard ? this.sessions.deleteAll(userId) : this.sessions.redact(userId));
    await this.roles.withdrawAll(userId);
    await this.passwords.forgetHistory(userId);
    await this.proofs.discard({ id: userId, email });
    await this.outbox.redact(userId, email);
    await this.log.redact(userId, email);
  }
}
