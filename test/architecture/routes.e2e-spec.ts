import { afterAll, describe, expect, it } from '@jest/globals';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthFortModule } from 'authfort';
import { createTestDatabase } from 'authfort/testing';
import { listRoutes, type RouteAccess } from 'authfort-service';
import { AppModule as NotificationsModule } from '../../apps/notifications/src/app.module.js';
import { readEnv as readNotificationsEnv } from '../../apps/notifications/src/env.js';
import { AppModule as OrdersModule } from '../../apps/orders/src/app.module.js';
import { readEnv as readOrdersEnv } from '../../apps/orders/src/env.js';

const SECRET = 'a-secret-of-the-route-tests';
// Nobody listens there: what these tests look at needs no keys.
const SERVICE_ENV = { JWKS_URL: 'http://127.0.0.1:9/jwks.json', INTROSPECT_SECRET: SECRET };
const cleanUps: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

async function start(imports: ModuleMetadata['imports']): Promise<INestApplication> {
  const module = await Test.createTestingModule({ imports }).compile();
  const app = module.createNestApplication(new FastifyAdapter(), { logger: false });
  cleanUps.push(() => app.close());
  await app.listen(0, '127.0.0.1');
  return app;
}

async function startAuthServer(): Promise<INestApplication> {
  const database = await createTestDatabase();
  cleanUps.push(() => database.close());
  return start([
    TypeOrmModule.forRoot({ ...database.options, autoLoadEntities: true, retryAttempts: 0 }),
    AuthFortModule.forRoot({
      issuer: 'https://auth.example.com',
      cookie: {},
      introspectSecret: SECRET,
      keyEncryptionSecret: SECRET,
      rateLimit: false,
    }),
  ]);
}

/** Every route in one line: `GET /auth/me guarded`. A new line here is a decision. */
const ROUTES: [string, () => Promise<INestApplication>, string[]][] = [
  [
    'auth-server',
    startAuthServer,
    [
      'DELETE /auth/admin/roles/:role/permissions/:permission guarded, roles: admin',
      'DELETE /auth/admin/users/:id guarded, roles: admin',
      'DELETE /auth/admin/users/:id/roles/:role guarded, roles: admin',
      'DELETE /auth/admin/users/:id/sessions guarded, roles: admin',
      'DELETE /auth/admin/users/:id/sessions/:sessionId guarded, roles: admin',
      'DELETE /auth/me guarded',
      'DELETE /auth/sessions guarded',
      'DELETE /auth/sessions/:id guarded',
      'GET /.well-known/jwks.json public',
      'GET /.well-known/oauth-authorization-server public',
      'GET /.well-known/oauth-authorization-server/:a public',
      'GET /.well-known/oauth-authorization-server/:a/:b public',
      'GET /.well-known/oauth-authorization-server/:a/:b/:c public',
      'GET /auth/admin/audit guarded, roles: admin',
      'GET /auth/admin/dead-letters guarded, roles: admin',
      'GET /auth/admin/roles guarded, roles: admin',
      'GET /auth/admin/roles/:role guarded, roles: admin',
      'GET /auth/admin/users guarded, roles: admin',
      'GET /auth/admin/users/:id guarded, roles: admin',
      'GET /auth/admin/users/:id/roles guarded, roles: admin',
      'GET /auth/admin/users/:id/sessions guarded, roles: admin',
      'GET /auth/me guarded',
      'GET /auth/me/export guarded',
      'GET /auth/sessions guarded',
      'GET /health/live public',
      'GET /health/ready public',
      'GET /revocations public',
      'GET /revocations/stream public',
      'PATCH /auth/admin/users/:id guarded, roles: admin',
      'PATCH /auth/me guarded',
      'POST /auth/admin/dead-letters/:id/retry guarded, roles: admin',
      'POST /auth/admin/users guarded, roles: admin',
      'POST /auth/admin/users/:id/ban guarded, roles: admin',
      'POST /auth/admin/users/:id/roles guarded, roles: admin',
      'POST /auth/admin/users/:id/unban guarded, roles: admin',
      'POST /auth/change-password guarded',
      'POST /auth/email-change guarded',
      'POST /auth/email-change/confirm public',
      'POST /auth/forgot-password public',
      'POST /auth/introspect public',
      'POST /auth/login public',
      'POST /auth/logout public',
      'POST /auth/magic-link public',
      'POST /auth/magic-link/verify public',
      'POST /auth/otp public',
      'POST /auth/otp/verify public',
      'POST /auth/refresh public',
      'POST /auth/reset-password public',
      'POST /auth/set-password guarded',
      'POST /auth/signup public',
      'POST /auth/verify-email public',
      'POST /auth/verify-email/request guarded',
      'POST /introspect public',
      'PUT /auth/admin/roles/:role/permissions/:permission guarded, roles: admin',
    ],
  ],
  [
    'orders',
    () => start([OrdersModule.forEnv(readOrdersEnv(SERVICE_ENV))]),
    [
      'DELETE /api/orders/:id guarded, roles: admin',
      'GET /api/orders guarded',
      'GET /health/live public',
      'GET /health/ready public',
      'POST /api/orders guarded',
      'POST /api/orders/:id/refund guarded, introspected',
    ],
  ],
  [
    'notifications',
    () => start([NotificationsModule.forEnv(readNotificationsEnv(SERVICE_ENV))]),
    [
      'GET /api/unread guarded',
      'GET /health/live public',
      'GET /health/ready public',
      'POST /api/notifications/:id/read guarded',
    ],
  ],
];

describe.each(ROUTES)('%s', (_name, startApp, expected) => {
  let app: INestApplication;

  it('has these routes and no other', async () => {
    app = await startApp();
    expect(listRoutes(app).map(inOneLine).sort()).toEqual(expected);
  });

  it('refuses every guarded route to a stranger', async () => {
    const { port } = app.getHttpServer().address() as { port: number };
    const guarded = listRoutes(app).filter(({ access }) => access === 'guarded');
    for (const { method, path } of guarded) {
      const url = `http://127.0.0.1:${port}${path.replace(/:\w+/g, '1')}`;
      const response = await fetch(url, { method });
      expect([method, path, response.status]).toEqual([method, path, 401]);
      expect(await response.json()).toMatchObject({ error: 'token_missing' });
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
    expect(guarded.length).toBeGreaterThan(0);
  });
});

function inOneLine({ method, path, access, roles, introspect }: RouteAccess): string {
  const parts = [`${method} ${path} ${access}`];
  if (roles.length > 0) parts.push(`roles: ${roles.join(' | ')}`);
  if (introspect) parts.push('introspected');
  return parts.join(', ');
}
