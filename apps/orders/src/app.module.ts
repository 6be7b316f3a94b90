import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ErrorFilter, ServiceAuthModule } from 'authfort-service';
import type { OrdersEnv } from './env.js';
import { HealthController } from './health/health.controller.js';
import { OrdersController } from './orders/orders.controller.js';
import { OrdersService } from './orders/orders.service.js';

/** The orders service of the recipe: it verifies tokens by itself, hears what is revoked, and asks the auth server only before a refund. */
@Module({})
export class AppModule {
  static forEnv(env: OrdersEnv): DynamicModule {
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
          ...(env.introspectSecret && {
            introspectUrl: env.introspectUrl,
            introspectSecret: env.introspectSecret,
            revocations: { url: env.revocationsUrl, whenStale: env.revocationsWhenStale },
          }),
        }),
      ],
      controllers: [OrdersController, HealthController],
      providers: [OrdersService, { provide: APP_FILTER, useClass: ErrorFilter }],
    };
  }
}
