import { type CanActivate, Controller, Get, type INestApplication } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AccessGuard, accessError, ErrorFilter, listHandlers, Public } from 'authfort-service';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { adapters, bearer } from '../harness.js';
import {
  freePort,
  handled,
  hybrid,
  MemoryLogger,
  microservice,
  OrderMessages,
  RequestScopedMessages,
  type Talk,
  tcp,
  tokenMissing,
} from '../message-app.js';

const GUARDED = ['orders.refund', 'orders.plain', 'inherited', 'request-scoped', 'bubbling'];

/** Nest applies no global guard to a transport that was connected without `inheritAppConfig`. */
describe('attack: messages without a token', () => {
  let issuer: TestIssuer;
  const open: Talk[] = [];
  const started = async (starting: Promise<Talk>): Promise<Talk> => {
    const talk = await starting;
    open.push(talk);
    return talk;
  };
  beforeAll(async () => {
    issuer = await createTestIssuer();
  });
  beforeEach(() => {
    handled.length = 0;
  });
  afterAll(async () => {
    for (const talk of open) await talk.close();
    await issuer.stop();
  });

  describe.each([
    ['a hybrid app', (port: number) => hybrid(issuer, tcp(port))],
    [
      'a hybrid app with inheritAppConfig',
      (port: number) => hybrid(issuer, tcp(port), { inheritAppConfig: true }),
    ],
    ['a microservice', (port: number) => microservice(issuer, tcp(port))],
    [
      'a hybrid app with the error filter',
      (port: number) =>
        hybrid(issuer, tcp(port), {
          inheritAppConfig: true,
          providers: [{ provide: APP_FILTER, useClass: ErrorFilter }],
        }),
    ],
    [
      'a microservice with the error filter',
      (port: number) =>
        microservice(issuer, tcp(port), { providers: [{ provide: APP_FILTER, useClass: ErrorFilter }] }),
    ],
  ])('%s', (_, start) => {
    let talk: Talk;
    beforeAll(async () => {
      talk = await started(start(await freePort()));
      await talk.send({ of: 'orders', cmd: 'open' });
    });

    it.each(GUARDED)('refuses %s within 100 ms', async (pattern) => {
      const took: number[] = [];
      for (let i = 0; i < 3; i++) {
        const asked = performance.now();
        expect(await talk.refusal(pattern, { user: { roles: ['admin'] } })).toEqual(tokenMissing);
        took.push(performance.now() - asked);
      }
      // The quickest: other suites share the machine.
      expect(Math.min(...took)).toBeLessThan(100);
      expect(handled).toEqual([]);
    });

    it('takes no user from the message', async () => {
      const user = { sub: 'me', roles: ['admin'] };
      const data = { user, authorization: 'Bearer x', headers: { authorization: `Bearer ${issuer.sign()}` } };
      expect(await talk.refusal('orders.plain', data)).toEqual(tokenMissing);
    });

    it('drops events, and handles the next ones', async () => {
      talk.client.emit('orders.cancelled', {});
      talk.client.emit('throws.event', {});
      talk.client.emit('orders.seen', {});
      expect(await talk.send({ cmd: 'open', of: 'orders' })).toBe('open');
      expect(handled).toEqual(['throws.event', 'orders.seen']);
      // An event handler answers who asks as well.
      expect(await talk.refusal('orders.cancelled')).toEqual(tokenMissing);
    });

    it('answers the caller of a handler that throws', async () => {
      const internal = { status: 'error', message: 'Internal server error' };
      expect(await talk.refusal('throws.error')).toEqual(internal);
      expect(await talk.refusal('throws.later')).toEqual(internal);
      expect(await talk.refusal('throws.rpc')).toEqual({ reason: 'sold out' });
      expect(await talk.refusal('throws.ours')).toEqual({
        statusCode: 401,
        error: 'token_expired',
        message: 'The access token has expired',
      });
    });
  });

  it('guards each app of a process with its own guard, also in shared controllers', async () => {
    const controllers = [OrderMessages, RequestScopedMessages];
    const closed = await started(hybrid(issuer, tcp(await freePort()), { controllers }));
    const decorated = await started(
      hybrid(issuer, tcp(await freePort()), { controllers, options: { guard: 'decorated' } }),
    );
    const unguarded = await started(
      microservice(issuer, tcp(await freePort()), { controllers, withoutAuth: true }),
    );
    const again = await started(microservice(issuer, tcp(await freePort()), { controllers }));
    for (const { refusal } of [closed, again]) {
      expect(await refusal('orders.plain')).toEqual(tokenMissing);
      expect(await refusal('request-scoped')).toEqual(tokenMissing);
    }
    expect(await decorated.send('orders.plain')).toBe('plain');
    expect(await decorated.refusal('orders.refund')).toEqual(tokenMissing);
    expect(await decorated.refusal('request-scoped')).toEqual(tokenMissing);
    expect(await unguarded.send('orders.refund')).toContain('refunded');
    expect(await unguarded.send('request-scoped')).toBe('request-scoped');
    // Many apps were started with these classes; the lists of their enhancers have not grown.
    expect(Reflect.getMetadata('__guards__', OrderMessages)).toHaveLength(1);
    expect(Reflect.getMetadata('__exceptionFilters__', OrderMessages.prototype.refund)).toHaveLength(1);
  });

  it('uses the guard that a test puts in the place of ours', async () => {
    const asked: string[] = [];
    const guard: CanActivate = {
      canActivate: (context) => {
        asked.push(context.getHandler().name);
        return context.getHandler().name !== 'plain';
      },
    };
    const talk = await started(
      hybrid(issuer, tcp(await freePort()), {
        override: (builder) => builder.overrideProvider(AccessGuard).useValue(guard),
      }),
    );
    expect(await talk.send('orders.refund')).toContain('refunded');
    expect(await talk.refusal('orders.plain')).toEqual({ status: 'error', message: 'Forbidden resource' });
    expect(await talk.send('request-scoped')).toBe('request-scoped');
    // A guard that sets no user leaves none, whatever the message says.
    expect(await talk.refusal('orders.mine', { user: { sub: 'forged' } })).toEqual(tokenMissing);
    const { port } = (talk.app as INestApplication).getHttpServer().address() as { port: number };
    asked.length = 0;
    // Once, although the controller has message handlers.
    expect(await (await fetch(`http://127.0.0.1:${port}/orders`)).text()).toBe('route');
    expect(asked).toEqual(['route']);
  });

  it.each(adapters)('refuses a method that is a route too, on %s', async (adapter) => {
    @Controller()
    class BothWays {
      @Get('both')
      @MessagePattern('both')
      both(): string {
        handled.push('both');
        return 'both';
      }
    }
    const talk = await started(hybrid(issuer, tcp(await freePort()), { controllers: [BothWays], adapter }));
    expect(await talk.refusal('both')).toEqual(tokenMissing);
    const { port } = (talk.app as INestApplication).getHttpServer().address() as { port: number };
    const response = await fetch(`http://127.0.0.1:${port}/both`);
    expect([response.status, await response.json()]).toEqual([401, tokenMissing]);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="authfort"');
    const allowed = await fetch(`http://127.0.0.1:${port}/both`, { headers: bearer(issuer.sign()) });
    expect(await allowed.text()).toBe('both');
  });

  it.each(adapters)('logs the cause of a 503 of any transport, on %s', async (adapter) => {
    const logger = new MemoryLogger();
    @Controller()
    @Public()
    class Unavailable {
      @Get('unavailable')
      @MessagePattern('unavailable')
      both(): never {
        const cause = new Error(`cause on ${adapter}`);
        throw accessError('keys_unavailable', { retryAfterSeconds: 3, cause });
      }
      @MessagePattern('only-message')
      message(): never {
        throw accessError('keys_unavailable', { cause: new Error(`cause of a message on ${adapter}`) });
      }
    }
    const talk = await started(
      hybrid(issuer, tcp(await freePort()), {
        controllers: [Unavailable],
        adapter,
        logger,
        providers: [{ provide: APP_FILTER, useClass: ErrorFilter }],
      }),
    );
    expect(await talk.refusal('only-message')).toMatchObject({ statusCode: 503, error: 'keys_unavailable' });
    const { port } = (talk.app as INestApplication).getHttpServer().address() as { port: number };
    const response = await fetch(`http://127.0.0.1:${port}/unavailable`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3']);
    expect(logger.text).toContain(`503 keys_unavailable: cause of a message on ${adapter}`);
    expect(logger.text).toContain(`503 keys_unavailable: cause on ${adapter}`);
  });

  it('names every handler with its access when the app starts', async () => {
    const logger = new MemoryLogger();
    @Controller()
    @Public()
    class PublicMessages {
      @MessagePattern(['first', 'second'])
      both(): string {
        return 'both';
      }
    }
    const talk = await started(
      hybrid(issuer, tcp(await freePort()), { logger, controllers: [OrderMessages, PublicMessages] }),
    );
    expect(logger.text).toContain('Access of the 13 handlers:');
    expect(logger.text).toMatch(/^ *MESSAGE orders\.refund {2}guarded, roles: admin$/m);
    expect(logger.text).toMatch(/^ *MESSAGE orders\.plain {2}guarded$/m);
    expect(logger.text).toMatch(/^ *EVENT +orders\.cancelled {2}guarded, roles: admin$/m);
    expect(logger.text).toMatch(/^ *EVENT +orders\.seen {2}public$/m);
    expect(logger.text).toMatch(/^ *MESSAGE \{"cmd":"open","of":"orders"\} {2}public$/m);
    expect(logger.text).toMatch(/^ *MESSAGE second {2}public$/m);
    expect(
      listHandlers(talk.app)
        .filter(({ access }) => access === 'guarded')
        .map(({ kind, name, handler, roles }) => [kind, name, handler, ...roles].join(' ')),
    ).toEqual([
      'EVENT orders.cancelled OrderMessages.cancelled admin',
      'MESSAGE orders.mine OrderMessages.mine',
      'MESSAGE orders.plain OrderMessages.plain',
      'MESSAGE orders.refund OrderMessages.refund admin',
    ]);
  });

  it('logs the error of a handler, and no refusal', async () => {
    const logger = new MemoryLogger();
    const talk = await started(
      hybrid(issuer, tcp(await freePort()), {
        logger,
        inheritAppConfig: true,
        providers: [{ provide: APP_FILTER, useClass: ErrorFilter }],
      }),
    );
    await talk.refusal('orders.plain');
    expect(logger.lines.filter((line) => line.startsWith('ERROR'))).toEqual([]);
    await talk.refusal('throws.error');
    expect(logger.lines.filter((line) => /^ERROR.*secret-cause/s.test(line))).toHaveLength(1);
  });
});
