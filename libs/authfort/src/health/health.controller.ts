import { Controller, Get, Logger, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Public } from 'authfort-service';
import { Database } from '../database/database.js';
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
  ) {}

  /** `GET /health/live`: the process answers. */
  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** `GET /health/ready`: the database answers and there is a signing key; otherwise 503. */
  @Get('ready')
  async ready(@Res() response: unknown): Promise<void> {
    const checks = { database: await this.databaseAnswers(), keys: this.ring.ready };
    const ok = Object.values(checks).every(Boolean);
    this.adapterHost.httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
    this.adapterHost.httpAdapter.reply(
      response,
      { status: ok ? 'ok' : 'unavailable', checks },
      ok ? 200 : 503,
    );
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
      this.logger.warn(`The database does not answer: ${String(error)}`);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}
