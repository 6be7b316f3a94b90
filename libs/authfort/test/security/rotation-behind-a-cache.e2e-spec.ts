import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AuthUser, Clock, CurrentUser, ServiceAuthModule } from 'authfort-service';
import { headerOf, startServer, type TestServer } from '../harness.js';

@Controller()
class OrdersController {
  @Get('orders')
  orders(@CurrentUser() user: AuthUser): string {
    return user.sub;
  }
}

/** Rotation, faster than any cache: no token that the server issued is ever refused by a service, even behind a proxy that honours max-age. */
describe('attack: rotating keys behind a caching proxy', () => {
  let server: TestServer;
  let proxy: Server;
  let service: INestApplication;
  let serviceUrl: string;
  let misses = 0;

  beforeAll(async () => {
    server = await startServer();
    proxy = await startCachingProxy();
    const { port } = proxy.address() as AddressInfo;
    const module = await Test.createTestingModule({
      imports: [ServiceAuthModule.forRoot(`http://127.0.0.1:${port}/.well-known/jwks.json`)],
      controllers: [OrdersController],
    })
      .overrideProvider(Clock)
      .useValue(server.clock)
      .compile();
    service = module.createNestApplication(new FastifyAdapter(), { logger: false });
    await service.listen(0, '127.0.0.1');
    serviceUrl = (await service.getUrl()).replace('[::1]', '127.0.0.1');
  });
  afterAll(async () => {
    await service.close();
    await new Promise((resolve) => proxy.close(resolve));
    await server.close();
  });

  async function startCachingProxy(): Promise<Server> {
    let cached: { body: string; until: number } | undefined;
    const created = createServer((_, response) => {
      void (async () => {
        const now = server.clock.now().getTime();
        if (!cached || cached.until <= now) {
          misses += 1;
          const answer = await fetch(`${server.url}/.well-known/jwks.json`);
          const [, maxAge] = /max-age=(\d+)/.exec(answer.headers.get('cache-control') ?? '') ?? [];
          cached = { body: await answer.text(), until: now + Number(maxAge) * 1000 };
        }
        response.end(cached.body);
      })();
    });
    await new Promise<void>((resolve) => created.listen(0, '127.0.0.1', resolve));
    return created;
  }

  it('refuses none of the tokens, old or new, over 40 rotations in 200 seconds', async () => {
    const user = await server.signUp();
    let refreshToken = user.refreshToken;
    const tokens = [user.accessToken];
    for (let round = 0; round < 40; round += 1) {
      server.clock.advance(5);
      await server.authfort.rotateKey();
      const { body } = await server.post('/auth/refresh', { refresh_token: refreshToken });
      refreshToken = body.tokens.refresh_token;
      tokens.push(body.tokens.access_token);
      const tried = tokens.filter((_, issued) => issued % 4 === 0 || issued > round);
      const statuses = await Promise.all(
        tried.map(async (token) => {
          const answer = await fetch(`${serviceUrl}/orders`, {
            headers: { authorization: `Bearer ${token}` },
          });
          return answer.status;
        }),
      );
      expect(statuses).toEqual(tried.map(() => 200));
    }
    expect(new Set(tokens.map((token) => headerOf(token).kid)).size).toBeGreaterThan(20);
    expect(misses).toBeLessThan(10);
  });
});
