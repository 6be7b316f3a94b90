import type { INestApplicationContext } from '@nestjs/common';
import type { DatabaseFlags } from './connect.js';
import { actAs } from '../events/actor.js';
import { NO_CLIENT } from '../http/client-info.js';
import { developmentSecret, readDevelopmentSecret } from '../database/embedded/development-secret.js';
import { type CliEnvironment, readCliEnvironment } from './env.js';

/** That of the embedded database lies beside it. A development server on PostgreSQL keeps one in the same folder, if it has run here. */
function secret(environment: CliEnvironment, databaseUrl: string | undefined): string | undefined {
  const { keyEncryptionSecret, production, dataDir } = environment;
  if (keyEncryptionSecret !== undefined || production) return keyEncryptionSecret;
  return (
    readDevelopmentSecret(dataDir) ?? (databaseUrl === undefined ? developmentSecret(dataDir) : undefined)
  );
}

/**
 * Runs `work` with AuthFort on the database that the flags or the environment name: the same services as in the server, without
 * its routes. The tables are brought up to date first.
 */
export async function withAuthFort<T>(
  flags: DatabaseFlags,
  work: (app: INestApplicationContext) => Promise<T>,
): Promise<T> {
  // Loaded here, so that `--help` and a mistyped flag answer at once.
  const [{ Module }, { NestFactory }, { TypeOrmModule }, { connectionOptions }, { AuthFortModule }] =
    await Promise.all([
      import('@nestjs/common'),
      import('@nestjs/core'),
      import('@nestjs/typeorm'),
      import('../database/connection-options.js'),
      import('../authfort.module.js'),
    ]);
  const environment = readCliEnvironment();
  const databaseUrl = flags.databaseUrl ?? environment.databaseUrl;
  const onProgress = (message: string): void => void process.stderr.write(`${message}\n`);

  class CliModule {}
  Module({
    imports: [
      TypeOrmModule.forRoot({
        ...connectionOptions({ ...environment, databaseUrl, onProgress }),
        autoLoadEntities: true,
        retryAttempts: 0,
      }),
      AuthFortModule.forTasks({ rateLimit: false, keyEncryptionSecret: secret(environment, databaseUrl) }),
    ],
  })(CliModule);
  const app = await NestFactory.createApplicationContext(CliModule, { logger: false, abortOnError: false });
  try {
    return await actAs({ userId: null, client: NO_CLIENT, languages: null, via: 'cli' }, () => work(app));
  } finally {
    await app.close();
  }
}
