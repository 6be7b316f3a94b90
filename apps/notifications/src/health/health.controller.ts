import { Controller, Get } from '@nestjs/common';
import { accessError, Public, ServiceAuth } from 'authfort-service';

/** What an orchestrator asks. */
@Controller('health')
@Public()
export class HealthController {
  constructor(private readonly auth: ServiceAuth) {}

  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 503 until the keys of the auth server are known, and from the moment the app is asked to stop. */
  @Get('ready')
  async ready(): Promise<{ status: 'ok' }> {
    if (await this.auth.ready()) return { status: 'ok' };
    throw accessError('unavailable', { cause: 'the app has no keys yet, or is stopping' });
  }
}
