import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthFortModule } from 'authfort';
import { developmentSecret } from 'authfort/embedded';
import { ormconfig } from '../../../ormconfig.js';
import { DemoAdminService } from './demo/demo-admin.service.js';
import type { AuthServerEnv } from './env.js';
import { FRONTEND_URL, HomeController } from './home/home.controller.js';

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
          preparedStatements: env.preparedStatements,
          cookie: { domain: env.cookieDomain, secure: env.cookieSecure },
          introspectSecret: env.introspectSecret,
          keyEncryptionSecret: env.keyEncryptionSecret ?? secretOfThisFolder(env),
          corsOrigins: env.corsOrigins,
          trustedProxies: env.trustedProxies,
          rateLimit: env.rateLimit && { redisUrl: env.redisUrl },
          frontendUrl: env.frontendUrl,
          mail: { smtpUrl: env.smtpUrl, from: env.mailFrom, appName: env.appName },
          allowPasswordlessSignup: env.passwordlessSignup,
          requireVerifiedEmail: env.requireVerifiedEmail,
          shutdownDelaySeconds: env.shutdownDelaySeconds,
          passwordPolicy: { breachCheck: env.breachCheck },
        }),
      ],
      controllers: env.frontendUrl ? [HomeController] : [],
      providers: [
        { provide: FRONTEND_URL, useValue: env.frontendUrl },
        ...(env.demoAdmin ? [{ provide: 'DEMO_ADMIN', useValue: env.demoAdmin }, DemoAdminService] : []),
      ],
    };
  }
}

/** In development only: production wants a `KEY_ENCRYPTION_SECRET`. */
function secretOfThisFolder({ databaseUrl, dataDir }: AuthServerEnv): string {
  if (databaseUrl) {
    new Logger('AuthServer').warn(
      `KEY_ENCRYPTION_SECRET is not set: the signing keys in this database are encrypted with a secret in ${dataDir}, and no server without that folder can use them`,
    );
  }
  return developmentSecret(dataDir);
}
