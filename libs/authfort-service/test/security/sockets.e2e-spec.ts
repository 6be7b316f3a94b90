import { Injectable, Scope, UseFilters } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { accessError, ErrorFilter, listHandlers, Public, Roles } from 'authfort-service';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { MemoryLogger, messageModule, tokenMissing } from '../message-app.js';

const handled: string[] = [];

class BaseGateway {
  @SubscribeMessage('inherited')
  inherited(): string {
    handled.push('inherited');
    return 'inherited';
  }
}

@WebSocketGateway()
class OrdersGateway extends BaseGateway {
  @SubscribeMessage('refund')
  @Roles('admin')
  refund(): string {
    handled.push('refund');
    return 'refunded';
  }
  @SubscribeMessage('open')
  @Public()
  open(): { event: string; data: string } {
    return { event: 'open', data: 'open' };
  }
  @SubscribeMessage('fail')
  @Public()
  fail(): never {
    throw new Error('secret-cause');
  }
  @SubscribeMessage('fail-ours')
  @Public()
  failOurs(): never {
    throw accessError('token_expired', { cause: new Error('secret-cause') });
  }
  @SubscribeMessage('fail-ws')
  @Public()
  failWs(): never {
    throw new WsException('sold out');
  }
}

@WebSocketGateway()
@UseFilters(ErrorFilter)
class FilteredGateway {
  @SubscribeMessage('filtered')
  filtered(): string {
    handled.push('filtered');
    return 'filtered';
  }
  @SubscribeMessage('filtered-fail')
  @Public()
  fail(): never {
    throw new Error('secret-cause');
  }
  @SubscribeMessage('filtered-fail-ws')
  @Public()
  failWs(): never {
    throw new WsException('sold out');
  }
}

@Injectable({ scope: Scope.REQUEST })
@WebSocketGateway()
class ScopedGateway {
  @SubscribeMessage('scoped')
  scoped(): string {
    handled.push('scoped');
    return 'scoped';
  }
}

const GUARDED = ['refund', 'inherited', 'filtered', 'scoped'];
type Answer = { event: string; data: unknown };

describe('attack: socket messages without a token', () => {
  let issuer: TestIssuer;
  const closing: (() => unknown)[] = [];
  beforeAll(async () => {
    issuer = await createTestIssuer();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(() => issuer.stop());

  const start = async (native: boolean, logger?: MemoryLogger) => {
    handled.length = 0;
    const module = await messageModule(issuer, {
      controllers: [],
      providers: [OrdersGateway, FilteredGateway, ScopedGateway],
      logger,
    });
    const app = module.createNestApplication({ logger: logger ?? false });
    app.useWebSocketAdapter(native ? new WsAdapter(app) : new IoAdapter(app));
    await app.listen(0, '127.0.0.1');
    closing.push(() => app.close());
    const { port } = app.getHttpServer().address() as { port: number };
    return { app, port };
  };

  /** Sends a message, and waits for what comes next. */
  const overSocketIo = async (port: number) => {
    const client = io(`http://127.0.0.1:${port}`, { transports: ['websocket'] });
    closing.push(() => client.close());
    await new Promise<void>((resolve) => client.once('connect', resolve));
    return {
      client,
      ask: (event: string) =>
        new Promise<Answer>((resolve) => {
          client.onAny((name: string, data: unknown) => {
            client.offAny();
            resolve({ event: name, data });
          });
          client.emit(event, { user: { roles: ['admin'] } });
        }),
    };
  };
  const overWebSocket = async (port: number) => {
    const client = new WebSocket(`ws://127.0.0.1:${port}`);
    closing.push(() => client.terminate());
    await new Promise<void>((resolve) => client.once('open', resolve));
    return {
      ask: (event: string) =>
        new Promise<Answer>((resolve) => {
          client.once('message', (text: Buffer) => resolve(JSON.parse(text.toString()) as Answer));
          client.send(JSON.stringify({ event, data: { user: { roles: ['admin'] } } }));
        }),
    };
  };

  it.each([
    ['socket.io', false],
    ['ws', true],
  ])('%s: refuses every guarded message with an exception', async (_, native) => {
    const { port } = await start(native);
    const { ask } = await (native ? overWebSocket(port) : overSocketIo(port));
    for (const event of GUARDED) expect(await ask(event)).toEqual({ event: 'exception', data: tokenMissing });
    expect(handled).toEqual([]);
    const unknown = { event: 'exception', data: { status: 'error', message: 'Internal server error' } };
    const soldOut = { event: 'exception', data: { status: 'error', message: 'sold out' } };
    expect(await ask('fail')).toMatchObject(unknown);
    expect(await ask('filtered-fail')).toMatchObject(unknown);
    expect(await ask('fail-ws')).toMatchObject(soldOut);
    expect(await ask('filtered-fail-ws')).toMatchObject(soldOut);
    expect(await ask('fail-ours')).toMatchObject({ data: { statusCode: 401, error: 'token_expired' } });
    expect(await ask('open')).toEqual({ event: 'open', data: 'open' });
  });

  it('acknowledges a refusal to a caller that waits for it', async () => {
    const { port } = await start(false);
    const { client } = await overSocketIo(port);
    for (const event of GUARDED)
      expect(await client.timeout(2000).emitWithAck(event, {})).toEqual(tokenMissing);
    expect(await client.timeout(2000).emitWithAck('filtered-fail', {})).toMatchObject({
      message: 'Internal server error',
    });
  });

  it('names every subscription with its access', async () => {
    const logger = new MemoryLogger();
    const { app } = await start(false, logger);
    expect(logger.text).toMatch(/^ *SOCKET refund {2}guarded, roles: admin$/m);
    expect(logger.text).toMatch(/^ *SOCKET open {2}public$/m);
    expect(listHandlers(app).map(({ name, handler }) => `${name} ${handler}`)).toContain(
      'inherited OrdersGateway.inherited',
    );
    const { ask } = await overSocketIo((app.getHttpServer().address() as { port: number }).port);
    await ask('refund');
    expect(logger.lines.filter((line) => line.startsWith('ERROR'))).toEqual([]);
    await ask('filtered-fail');
    expect(logger.lines.filter((line) => /^ERROR.*secret-cause/s.test(line))).toHaveLength(1);
  });
});
