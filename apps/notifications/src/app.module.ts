import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ErrorFilter, ServiceAuthModule } from 'authfort-service';
import type { NotificationsEnv } from './env.js';
import { HealthController } from './health/health.controller.js';
import { NotificationsController } from './notifications/notifications.controller.js';
import { NotificationsService } from './notifications/notifications.service.js';

/** The notifications service of the recipe: the smallest service that verifies tokens. */
@Module({})
export class AppModule {
  static forEnv(env: NotificationsEnv): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ServiceAuthModule.forRoot({
          jwksUrl: env.jwksUrl,
          issuer: env.issuer,
          cookieName: 'access_token',
          allowedOrigins: env.corsOrigins,
          jwksCacheTtlSeconds: env.jwksCacheTtlSeconds,
          jwksCooldownSeconds: env.jwksCooldownSeconds,
          shutdownDelaySeconds: env.shutdownDelaySeconds,
        }),
      ],
      controllers: [NotificationsController, HealthController],
      providers: [NotificationsService, { provide: APP_FILTER, useClass: ErrorFilter }],
    };
  }
}
