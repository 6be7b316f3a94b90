import { Controller, Get, Logger, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Drain, Public } from 'authfort-service';
import { Database } from '../database/database.js';
import { reasonOf } from '../errors/reason-of.js';
import { KeyRing } from '../keys/key-ring.js';

const DATABASE_TIMEOUT_MS = 2000;

/** What an orchestrator asks: is the process alive, and can it do its work? */
@Controller('health')
@Public()
export class HealthController {
  private readonly logger = new Logger(HealthController.name);

  constructor(
    private readonly database: Database,
    private readonly ring: KeyRing,
    private readonly adapterHost: HttpAdapterHost,
    private readonly drain: Drain,
  ) {}

  /** `GET /health/live`: the process answers. */
  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /**
   * `GET /health/ready`: the database answers and there is a signing key; otherwise 503. Also 503 from the moment the server is asked
   * to stop, and then without asking the database.
   */
  @Get('ready')
  async ready(@Res() response: unknown): Promise<void> {
    if (this.drain.draining) return this.answer(response, 503, { status: 'draining' });
    const checks = { database: await this.databaseAnswers(), keys: this.ring.ready };
    const ok = Object.values(checks).every(Boolean);
    this.answer(response, ok ? 200 : 503, { status: ok ? 'ok' : 'unavailable', checks });
  }

  private answer(response: unknown, status: number, body: object): void {
    this.adapterHost.httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
    this.adapterHost.httpAdapter.reply(response, body, status);
  }

  private async databaseAnswers(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`no answer within ${DATABASE_TIMEOUT_MS} ms`)),
        DATABASE_TIMEOUT_MS,
      );
    });
    try {
      await Promise.race([this.database.query('SELECT 1'), timeout]);
      return true;
    } catch (error) {
      this.logger.warn(`The database does not answer: ${reasonOf(error)}`);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}
