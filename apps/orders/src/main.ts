import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { corsFor, fastifyOptions } from 'authfort-service';
import { AppModule } from './app.module.js';
import { type OrdersEnv, readEnv } from './env.js';

async function start(env: OrdersEnv): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forEnv(env),
    new FastifyAdapter(fastifyOptions),
    {
      abortOnError: false,
    },
  );
  if (env.corsOrigins.length > 0) app.use(corsFor(env.corsOrigins));
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
