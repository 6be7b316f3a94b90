import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { fastifyOptions } from 'authfort-service';
import { type AuthServerEnv, readEnv } from './env.js';

async function start(env: AuthServerEnv): Promise<void> {
  // Not before the environment has been read: the module opens the connection that the environment names.
  const { AppModule } = await import('./app.module.js');
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forEnv(env),
    new FastifyAdapter(fastifyOptions),
    {
      abortOnError: false,
    },
  );
  app.useSecurityHeaders();
  // Exit code 0 after SIGTERM: asked to stop and stopped, which is no failure.
  app.enableShutdownHooks([], { useProcessExit: true });
  await app.listen(env.port, '0.0.0.0');
}

try {
  await start(readEnv());
} catch (error) {
  // One readable message; the stack only where it helps.
  console.error(
    error instanceof Error
      ? error.message.startsWith('The auth server') || error.name === 'ForeignTablesError'
        ? error.message
        : error.stack
      : error,
  );
  process.exit(1);
}
