import { Controller, Get, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { fastifyOptions, ServiceAuth, ServiceAuthModule } from 'authfort-service';

/** A service whose auth server accepts connections and never answers. It closes on a message, and its process ends when nothing is left. */
const { HANGING_URL: url = '' } = process.env;
const SECRET = 'introspection-secret-of-the-tests';

@Controller('orders')
class OrdersController {
  @Get()
  list(): string {
    return 'orders';
  }
}

@Module({
  imports: [
    ServiceAuthModule.forRoot({
      jwksUrl: `${url}/jwks`,
      introspectUrl: `${url}/introspect`,
      introspectSecret: SECRET,
      httpTimeoutSeconds: 30,
      revocations: { url: `${url}/revocations` },
    }),
  ],
  controllers: [OrdersController],
})
class ClosingAppModule {}

async function wait(app: INestApplicationContext, address: string): Promise<void> {
  const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })).toString('base64url');
  const token = `${header}.e30.c2ln`;
  const waiting = [
    fetch(`${address}/orders`, { headers: { authorization: `Bearer ${token}` } }).then(
      ({ status }) => status,
      () => 0,
    ),
    app
      .get(ServiceAuth)
      .introspect(token)
      .catch(() => undefined),
  ];
  const [status] = await Promise.all(waiting);
  process.send!({ status });
}

const app = await NestFactory.create<NestFastifyApplication>(
  ClosingAppModule,
  new FastifyAdapter(fastifyOptions),
  { logger: false },
);
await app.listen(0, '127.0.0.1');
const waited = wait(app, await app.getUrl());
process.once('message', () => {
  void (async () => {
    const startedAt = performance.now();
    await app.close();
    process.send!({ closedInMs: performance.now() - startedAt });
    await waited;
    process.disconnect();
  })();
});
