import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthFortModule } from 'authfort';
import { developmentSecret } from 'authfort/embedded';
import { ormconfig } from '../../../ormconfig.js';
import { DemoAdminService } from './demo/demo-admin.service.js';
import type { AuthServerEnv } from './env.js';

/** The auth server of the recipe: a connection, and AuthFort on it. */
@Module({})
export class AppModule {
  static forEnv(env: AuthServerEnv): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRoot({ ...ormconfig, autoLoadEntities: true }),
        AuthFortModule.forRoot({
          issuer: env.issuer,
          cookie: { domain: env.cookieDomain, secure: env.cookieSecure },
          introspectSecret: env.introspectSecret,
          keyEncryptionSecret: env.keyEncryptionSecret ?? developmentSecret(env.dataDir),
          corsOrigins: env.corsOrigins,
          trustedProxies: env.trustedProxies,
          rateLimit: env.rateLimit && { redisUrl: env.redisUrl },
        }),
      ],
      providers: env.demoAdmin ? [{ provide: 'DEMO_ADMIN', useValue: env.demoAdmin }, DemoAdminService] : [],
    };
  }
}
