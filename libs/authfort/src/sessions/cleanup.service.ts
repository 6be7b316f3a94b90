import { Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import { SessionRepository } from './session.repository.js';

const BATCH = 1000;

/** Removes what has expired by itself, in batches. It never removes evidence: see {@link RefreshTokenRepository.deleteExpired}. */
@Injectable()
export class CleanupService {
  constructor(
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly sessions: SessionRepository,
    private readonly clock: Clock,
  ) {}

  /** @returns how many rows were deleted. */
  async cleanup(): Promise<{ refreshTokens: number; sessions: number }> {
    const now = this.clock.now();
    return {
      refreshTokens: await inBatches(() => this.refreshTokens.deleteExpired(now, BATCH)),
      sessions: await inBatches(() => this.sessions.deleteExpired(now, BATCH)),
    };
  }
}

async function inBatches(deleteBatch: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let deleted = BATCH; deleted === BATCH; total += deleted) deleted = await deleteBatch();
  return total;
}
