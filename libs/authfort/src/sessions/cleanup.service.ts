import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import { SessionRepository } from './session.repository.js';

const BATCH = 1000;
const EVERY_MS = 3_600_000;

/** Removes what has expired by itself, in batches. It never removes evidence: see {@link RefreshTokenRepository.deleteExpired}. */
@Injectable()
export class CleanupService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(CleanupService.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly sessions: SessionRepository,
    private readonly clock: Clock,
  ) {}

  /** Cleans up once an hour. Replicas may do so at the same time: they skip each other's rows. */
  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.cleanupQuietly(), EVERY_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** @returns how many rows were deleted. */
  async cleanup(): Promise<{ refreshTokens: number; sessions: number }> {
    const now = this.clock.now();
    return {
      refreshTokens: await inBatches(() => this.refreshTokens.deleteExpired(now, BATCH)),
      sessions: await inBatches(() => this.sessions.deleteExpired(now, BATCH)),
    };
  }

  private async cleanupQuietly(): Promise<void> {
    try {
      await this.cleanup();
    } catch (error) {
      this.logger.warn(`The clean-up could not run; it tries again in an hour: ${String(error)}`);
    }
  }
}

async function inBatches(deleteBatch: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let deleted = BATCH; deleted === BATCH; total += deleted) deleted = await deleteBatch();
  return total;
}
