import { Inject, Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { AuditLogRepository } from '../events/audit-log.repository.js';
import { OutboxRepository } from '../events/outbox.repository.js';
import { LoginAttemptsRepository } from '../login-attempts/login-attempts.repository.js';
import { EmailOtpRepository } from '../one-time/email-otp.repository.js';
import { OneTimeTokenRepository } from '../one-time/one-time-token.repository.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { RevocationLogRepository } from '../revocation/revocation-log.repository.js';
import { RefreshTokenRepository } from '../sessions/refresh-token.repository.js';
import { AllSessionsRepository } from '../sessions/all-sessions.repository.js';
import { SessionRepository } from '../sessions/session.repository.js';
import { CleanupLockRepository } from './cleanup-lock.repository.js';

/** How many rows were deleted, by table. */
export interface CleanupResult {
  refreshTokens: number;
  sessions: number;
  oneTimeTokens: number;
  emailOtps: number;
  loginAttempts: number;
  revocations: number;
  auditEntries: number;
  deadLetters: number;
  /** Consumers of events that no server has had for 30 days. */
  outboxConsumers: number;
  /** What was waiting for such consumers. */
  outbox: number;
}

type DeleteBatch = (limit: number) => Promise<number>;

const BATCH = 1000;
const DAY_MS = 86_400_000;
const DEAD_LETTERS_MS = 90 * DAY_MS;
const CONSUMERS_MS = 30 * DAY_MS;

/** Removes what nobody needs any more. It never removes evidence: see {@link RefreshTokenRepository.deleteExpired}. */
@Injectable()
export class CleanupService {
  constructor(
    private readonly lock: CleanupLockRepository,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly sessions: SessionRepository,
    private readonly allSessions: AllSessionsRepository,
    private readonly oneTimeTokens: OneTimeTokenRepository,
    private readonly emailOtps: EmailOtpRepository,
    private readonly attempts: LoginAttemptsRepository,
    private readonly revocations: RevocationLogRepository,
    private readonly audit: AuditLogRepository,
    private readonly outbox: OutboxRepository,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * Deletes batch by batch, each in a transaction of its own. What another replica is cleaning at the moment is left to that one.
   * @param auditRetentionSeconds null: the audit log is left alone
   * @returns how many rows were deleted here
   */
  async cleanup(
    auditRetentionSeconds: number | null = this.config.auditRetentionSeconds,
  ): Promise<CleanupResult> {
    const now = this.clock.now();
    const ago = (ms: number): Date => new Date(now.getTime() - ms);
    const result = {} as CleanupResult;
    const tables: Record<keyof CleanupResult, DeleteBatch> = {
      refreshTokens: (limit) => this.refreshTokens.deleteExpired(now, limit),
      sessions: (limit) => this.sessions.deleteExpired(now, limit),
      oneTimeTokens: (limit) => this.oneTimeTokens.deleteExpired(now, limit),
      emailOtps: (limit) => this.emailOtps.deleteExpired(now, limit),
      loginAttempts: (limit) => this.attempts.deleteExpired(now, limit),
      revocations: (limit) => this.revocations.deleteExpired(now, limit),
      auditEntries: (limit) =>
        auditRetentionSeconds === null
          ? Promise.resolve(0)
          : this.audit.deleteOlder(ago(auditRetentionSeconds * 1000), limit),
      deadLetters: (limit) => this.outbox.deleteDead(ago(DEAD_LETTERS_MS), limit),
      // Consumers first: their rows are the next.
      outboxConsumers: (limit) => this.outbox.deleteConsumers(ago(CONSUMERS_MS), limit),
      outbox: (limit) => this.outbox.deleteUnwanted(ago(CONSUMERS_MS), limit),
    };
    for (const [table, deleteBatch] of Object.entries(tables))
      result[table as keyof CleanupResult] = await this.inBatches(deleteBatch);
    await this.inBatches((limit) => this.allSessions.markEnded(limit));
    return result;
  }

  private async inBatches(deleteBatch: DeleteBatch): Promise<number> {
    let total = 0;
    for (;;) {
      const deleted = (await this.lock.runAlone(() => deleteBatch(BATCH))) ?? 0;
      total += deleted;
      if (deleted < BATCH) return total;
    }
  }
}
