import { Controller, Get, HttpException } from '@nestjs/common';
import { Public, ServiceAuth } from 'authfort-service';

/** What an orchestrator asks. */
@Controller('health')
@Public()
export class HealthController {
  constructor(private readonly auth: ServiceAuth) {}

  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 503 until the keys of the auth server are known. */
  @Get('ready')
  async ready(): Promise<{ status: 'ok' }> {
    if (await this.auth.ready()) return { status: 'ok' };
    throw new HttpException(
      { statusCode: 503, error: 'keys_unavailable', message: 'The keys are not there yet' },
      503,
    );
  }
}
