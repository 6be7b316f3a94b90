import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import { type OrdersEnv, readEnv } from './env.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

async function start(env: OrdersEnv): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forEnv(env),
    new FastifyAdapter({ requestTimeout: 30_000 }),
    {
      abortOnError: false,
    },
  );
  if (env.corsOrigins.length > 0)
    app.enableCors({ origin: env.corsOrigins, credentials: true, methods: METHODS, maxAge: 600 });
  app.useSecurityHeaders();
  // Exit code 0 after SIGTERM: asked to stop and stopped, which is no failure.
  app.enableShutdownHooks([], { useProcessExit: true });
  await app.listen(env.port, '0.0.0.0');
}

try {
  await start(readEnv());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
