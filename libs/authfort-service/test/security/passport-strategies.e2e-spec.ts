import { Controller, Get, type INestApplication, type Type, UseGuards } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  fastifyOptions,
  listRoutes,
  Public,
  ServiceAuthModule,
  type ServiceAuthOptions,
} from 'authfort-service';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import passport from 'passport';
import { adapters, bearer } from '../harness.js';

class OwnGuard extends AuthGuard('authfort') {}

@Controller('reports')
class ReportsController {
  @Get()
  @UseGuards(AuthGuard('authfort'))
  list(): string {
    return 'reports';
  }
  @Get('own')
  @UseGuards(OwnGuard)
  own(): string {
    return 'own';
  }
  @Get('open')
  open(): string {
    return 'open';
  }
}

@Controller('archive')
@UseGuards(AuthGuard('authfort'))
class ArchiveController {
  @Get()
  @Public()
  list(): string {
    return 'archive';
  }
}

const status = async (app: INestApplication, path: string, token?: string): Promise<number> => {
  const { port } = app.getHttpServer().address() as { port: number };
  return (await fetch(`http://127.0.0.1:${port}${path}`, { headers: token ? bearer(token) : {} })).status;
};

/** Passport's registry belongs to the process: strategies of one name replace one another there. */
describe.each(adapters)('attack: a token of the neighbour, %s', (adapter) => {
  let issuer: TestIssuer;
  const apps: INestApplication[] = [];
  beforeAll(async () => {
    issuer = await createTestIssuer();
  });
  afterAll(async () => {
    for (const app of apps) await app.close();
    await issuer.stop();
  });
  const start = async (options?: Partial<ServiceAuthOptions>, controllers: Type[] = [ReportsController]) => {
    const module = await Test.createTestingModule({
      imports: options
        ? [ServiceAuthModule.forRoot({ jwksUrl: issuer.jwksUrl, guard: 'decorated', ...options })]
        : [],
      controllers,
    }).compile();
    const app = module.createNestApplication(
      adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(fastifyOptions),
      { logger: false },
    );
    await app.listen(0, '127.0.0.1');
    apps.push(app);
    return app;
  };

  it('is refused by every service of the process but its own', async () => {
    const orders = await start({ audience: 'orders' });
    const reports = await start({ audience: 'reports' });
    // An app without the module has no strategy to use, and borrows none.
    const neither = await start();
    const tokens = {
      orders: issuer.sign({ aud: 'orders' }),
      reports: issuer.sign({ aud: 'reports' }),
    };
    for (const path of ['/reports', '/reports/own']) {
      expect(await status(orders, path, tokens.orders)).toBe(200);
      expect(await status(orders, path, tokens.reports)).toBe(401);
      expect(await status(reports, path, tokens.reports)).toBe(200);
      expect(await status(reports, path, tokens.orders)).toBe(401);
      expect(await status(neither, path, tokens.orders)).toBe(401);
      expect(await status(neither, path, tokens.reports)).toBe(401);
      expect(await status(orders, path)).toBe(401);
    }
    // A request that an app made up, with and without the server that it came to.
    const authenticate = (token: string, app?: INestApplication) =>
      new Promise((resolve) => {
        const request = { headers: bearer(token), socket: app && { server: app.getHttpServer() as object } };
        const answered = (_error: unknown, user: unknown) => resolve(user);
        (passport.authenticate('authfort', answered) as (...args: unknown[]) => void)(request, {}, resolve);
      });
    expect(await authenticate(tokens.orders)).toBe(false);
    expect(await authenticate(tokens.orders, reports)).toBe(false);
    expect(await authenticate(tokens.orders, orders)).toMatchObject({ sub: expect.any(String) });
    await reports.close();
    expect(await status(orders, '/reports', tokens.orders)).toBe(200);
    expect(await authenticate(tokens.reports, reports)).toBe(false);
  });

  it('is looked for in linear time, and only where it belongs', async () => {
    const app = await start({});
    const withHeader = async (authorization: string) => {
      const { port } = app.getHttpServer().address() as { port: number };
      return (await fetch(`http://127.0.0.1:${port}/reports`, { headers: { authorization } })).status;
    };
    const token = issuer.sign();
    for (const header of [`Bearer ${token}`, `bearer  ${token}`, `BEARER ${token}`])
      expect(await withHeader(header)).toBe(200);
    for (const header of [
      `x Bearer ${token}`,
      `Bearer ${token} x`,
      `JWT ${token}`,
      token,
      'Bearer',
      'Bearer x',
    ])
      expect(await withHeader(header)).toBe(401);
    // Node.js accepts headers of 16 KiB together.
    for (const header of ['a'.repeat(15_000), `Bearer a${' '.repeat(15_000)}b`]) {
      const began = performance.now();
      for (let i = 0; i < 5; i += 1) expect(await withHeader(header)).toBe(401);
      expect(performance.now() - began).toBeLessThan(500);
    }
  });

  it('has to satisfy all modules of one app', async () => {
    const module = await Test.createTestingModule({
      imports: ['a', 'b'].map((audience) =>
        ServiceAuthModule.forRoot({ jwksUrl: issuer.jwksUrl, guard: 'decorated', audience }),
      ),
      controllers: [ReportsController],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    apps.push(app);
    expect(await status(app, '/reports', issuer.sign({ aud: ['a', 'b'] }))).toBe(200);
    expect(await status(app, '/reports', issuer.sign({ aud: 'a' }))).toBe(401);
    expect(await status(app, '/reports', issuer.sign({ aud: 'b' }))).toBe(401);
  });

  it('lists the routes of AuthGuard(authfort) as guarded', async () => {
    const app = await start({}, [ReportsController, ArchiveController]);
    const access = (of: INestApplication) =>
      listRoutes(of, 'decorated').map(({ path, access }) => `${path} ${access}`);
    expect(access(app)).toEqual([
      '/archive guarded',
      '/reports guarded',
      '/reports/open public',
      '/reports/own guarded',
    ]);
    expect(listRoutes(app).filter((route) => route.access === 'public')).toEqual([]);
    const module = await Test.createTestingModule({
      imports: [ServiceAuthModule.forRoot({ jwksUrl: issuer.jwksUrl, guard: 'decorated' })],
      controllers: [ReportsController],
      providers: [{ provide: APP_GUARD, useClass: AuthGuard('authfort') }],
    }).compile();
    const everywhere = module.createNestApplication({ logger: false });
    await everywhere.init();
    apps.push(everywhere);
    expect(access(everywhere)).toContain('/reports/open guarded');
  });
});
