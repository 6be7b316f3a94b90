import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { reasonOf } from '../errors/reason-of.js';
import { CleanupService } from './cleanup.service.js';

const EVERY_MS = 3_600_000;

/** Cleans up once an hour, in every replica; one of them does the work. */
@Injectable()
export class CleanupSchedule implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(CleanupSchedule.name);
  private timer: NodeJS.Timeout | undefined;
  private running = false;

  constructor(private readonly cleaning: CleanupService) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.run(), EVERY_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      await this.cleaning.cleanup();
    } catch (error) {
      this.logger.warn(`The clean-up could not run; it tries again in an hour: ${reasonOf(error)}`);
    } finally {
      this.running = false;
    }
  }
}
