import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { type AuthServerEnv, readEnv } from './env.js';

async function start(env: AuthServerEnv): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forEnv(env), new FastifyAdapter(), {
    abortOnError: false,
  });
  app.useSecurityHeaders();
  app.enableShutdownHooks();
  await app.listen(env.port, '0.0.0.0');
}

try {
  await start(readEnv());
} catch (error) {
  // One readable message; the stack only where it helps.
  console.error(
    error instanceof Error
      ? error.message.startsWith('The auth server')
        ? error.message
        : error.stack
      : error,
  );
  process.exit(1);
}
