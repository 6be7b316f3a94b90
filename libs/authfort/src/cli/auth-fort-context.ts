import type { INestApplicationContext } from '@nestjs/common';
import type { DatabaseFlags } from './connect.js';
import { readCliEnvironment } from './env.js';

/**
 * Runs `work` with AuthFort on the database that the flags or the environment name: the same services as in the server, without
 * its routes. The tables are brought up to date first.
 */
export async function withAuthFort<T>(
  flags: DatabaseFlags,
  work: (app: INestApplicationContext) => Promise<T>,
): Promise<T> {
  // Loaded here, so that `--help` and a mistyped flag answer at once.
  const [
    { Module },
    { NestFactory },
    { TypeOrmModule },
    { connectionOptions },
    { developmentSecret },
    { AuthFortModule },
  ] = await Promise.all([
    import('@nestjs/common'),
    import('@nestjs/core'),
    import('@nestjs/typeorm'),
    import('../database/connection-options.js'),
    import('../database/embedded/index.js'),
    import('../authfort.module.js'),
  ]);
  const environment = readCliEnvironment();
  const databaseUrl = flags.databaseUrl ?? environment.databaseUrl;
  const onProgress = (message: string): void => void process.stderr.write(`${message}\n`);
  const { production, keyEncryptionSecret } = environment;

  class CliModule {}
  Module({
    imports: [
      TypeOrmModule.forRoot({
        ...connectionOptions({ ...environment, databaseUrl, onProgress }),
        autoLoadEntities: true,
        retryAttempts: 0,
      }),
      AuthFortModule.forRoot({
        rateLimit: false,
        keyEncryptionSecret:
          keyEncryptionSecret ?? (production ? undefined : developmentSecret(environment.dataDir)),
      }),
    ],
  })(CliModule);
  const app = await NestFactory.createApplicationContext(CliModule, { logger: false, abortOnError: false });
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}
