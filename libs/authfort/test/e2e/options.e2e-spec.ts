import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AuthFortModule, type AuthUser, CurrentUser, Public, Roles } from 'authfort';
import { createTestDatabase } from 'authfort/testing';
import { claimsOf, headerOf, PASSWORD, startServer, type StartOptions, type TestServer } from '../harness.js';

@Controller('reports')
class ReportsController {
  @Get()
  closed(): string {
    return 'closed';
  }
  @Get('open')
  @Public()
  open(): string {
    return 'open';
  }
  @Get('mine')
  mine(@CurrentUser() user: AuthUser): string {
    return user.sub;
  }
  @Get('all')
  @Roles('admin')
  all(): string {
    return 'all';
  }
}

describe('options', () => {
  const servers: TestServer[] = [];
  const start = async (options: StartOptions) => {
    const server = await startServer(options);
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  it('algorithm: ES256', async () => {
    const server = await start({ options: { algorithm: 'ES256' } });
    const user = await server.signUp();
    expect(headerOf(user.accessToken).alg).toBe('ES256');
    expect((await server.request('/auth/me', { bearer: user.accessToken })).status).toBe(200);
    for (const key of (await server.request('/.well-known/jwks.json')).body.keys) {
      expect(key).toEqual({
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
        kid: expect.any(String),
        use: 'sig',
        alg: 'ES256',
      });
    }
  });
  it('issuer: a URL switches discovery on', async () => {
    const issuer = 'https://auth.example.com';
    const server = await start({ options: { issuer, audience: ['https://api.example.com'] } });
    const { body, status } = await server.request('/.well-known/oauth-authorization-server');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      issuer,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      introspection_endpoint: `${issuer}/introspect`,
    });
    expect(claimsOf((await server.signUp()).accessToken)).toMatchObject({
      iss: issuer,
      aud: ['https://api.example.com'],
    });
  });
  it('claims: personal data stays out of the token, not out of /auth/me', async () => {
    const server = await start({ options: { claims: { email: false, name: false } } });
    const user = await server.signUp();
    expect(Object.keys(claimsOf(user.accessToken))).not.toEqual(expect.arrayContaining(['email']));
    expect(claimsOf(user.accessToken)).not.toHaveProperty('name');
    expect((await server.request('/auth/me', { bearer: user.accessToken })).body.email).toBe(user.email);
    expect((await server.introspect(user.accessToken)).body.email).toBe(user.email);
  });
  it('allowSignup: false closes the route, not the code', async () => {
    const server = await start({ options: { allowSignup: false } });
    const answer = await server.post('/auth/signup', { email: 'a@example.com', password: PASSWORD });
    expect([answer.status, answer.body.error]).toEqual([403, 'signup_disabled']);
    await server.authfort.createUser({ email: 'a@example.com', password: PASSWORD });
    expect((await server.post('/auth/login', { email: 'a@example.com', password: PASSWORD })).status).toBe(
      200,
    );
  });
  it('guard: closed for the routes of the app too', async () => {
    const server = await start({ controllers: [ReportsController] });
    const { accessToken, id } = await server.signUp();
    const ask = async (path: string, bearer?: string) =>
      (await server.request(`/reports${path}`, { bearer })).status;
    expect([await ask(''), await ask('/open'), await ask('/mine'), await ask('/all')]).toEqual([
      401, 200, 401, 401,
    ]);
    expect([await ask('', accessToken), await ask('/all', accessToken)]).toEqual([200, 403]);
    expect((await server.request('/reports/mine', { bearer: accessToken })).text).toBe(id);
  });
  it('guard: decorated guards what asks for a user or a role', async () => {
    const server = await start({ controllers: [ReportsController], options: { guard: 'decorated' } });
    const ask = async (path: string) => (await server.request(path)).status;
    expect([
      await ask('/reports'),
      await ask('/reports/open'),
      await ask('/reports/mine'),
      await ask('/reports/all'),
    ]).toEqual([200, 200, 401, 401]);
    expect(await ask('/auth/me')).toBe(401);
  });
  it('forRoot() with no argument is a working bearer-only server; forRootAsync takes a factory', async () => {
    for (const authfort of [
      AuthFortModule.forRoot(),
      AuthFortModule.forRootAsync({
        routePrefix: 'auth',
        useFactory: () => Promise.resolve({ issuer: 'authfort' }),
      }),
    ]) {
      const database = await createTestDatabase();
      class AppModule {}
      Module({ imports: [TypeOrmModule.forRoot({ ...database.options, autoLoadEntities: true }), authfort] })(
        AppModule,
      );
      const app = await NestFactory.create(AppModule, new FastifyAdapter(), {
        logger: false,
        abortOnError: false,
      });
      await app.listen(0, '127.0.0.1');
      const answer = await fetch(`${await app.getUrl()}/auth/signup`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'a@example.com', password: PASSWORD }),
      });
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([201, []]);
      await app.close();
      await database.close();
    }
  });
});
