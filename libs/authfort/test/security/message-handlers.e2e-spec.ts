import { Controller } from '@nestjs/common';
import {
  type ClientProxy,
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccessGuard, listHandlers, Public, Roles } from 'authfort-service';
import { firstValueFrom, timeout } from 'rxjs';
import { startServer, type TestServer } from '../harness.js';

const handled: string[] = [];

@Controller()
class AccountMessages {
  @MessagePattern('accounts.erase')
  @Roles('admin')
  erase(): string {
    handled.push('accounts.erase');
    return 'erased';
  }
  @MessagePattern('accounts.plain')
  plain(): string {
    return 'plain';
  }
  @MessagePattern('accounts.fails')
  @Public()
  fails(): never {
    throw new Error('secret-cause');
  }
  @EventPattern('accounts.erased')
  @Roles('admin')
  erased(_data: unknown): void {
    handled.push('accounts.erased');
  }
}

/** The filter of the auth server is an APP_FILTER: with `inheritAppConfig` it applies to messages too. */
describe.each([false, true])(
  'attack: messages without a token to the auth app (inheritAppConfig: %s)',
  (inheritAppConfig) => {
    let server: TestServer;
    let client: ClientProxy;
    beforeAll(async () => {
      server = await startServer({ controllers: [AccountMessages], options: { guard: 'closed' } });
      const options = { host: '127.0.0.1', port: 0 };
      const microservice = server.app.connectMicroservice<MicroserviceOptions>(
        { transport: Transport.TCP, options },
        { inheritAppConfig },
      );
      await server.app.startAllMicroservices();
      const { port } = microservice.unwrap<{ address(): { port: number } }>().address();
      client = ClientProxyFactory.create({ transport: Transport.TCP, options: { ...options, port } });
    });
    afterAll(async () => {
      await client.close();
      await server.close();
    });
    const send = (pattern: string) =>
      firstValueFrom(client.send<unknown>(pattern, {}).pipe(timeout(3000))).catch((error: unknown) => ({
        error,
      }));

    it('are refused, and their caller is answered', async () => {
      const refused = {
        error: { statusCode: 401, error: 'token_missing', message: 'An access token is needed' },
      };
      expect(await send('accounts.erase')).toEqual(refused);
      expect(await send('accounts.plain')).toEqual(refused);
      client.emit('accounts.erased', {});
      expect(await send('accounts.fails')).toEqual({
        error: { status: 'error', message: 'Internal server error' },
      });
      expect(handled).toEqual([]);
      expect(listHandlers(server.app).map(({ name, access }) => `${name} ${access}`)).toEqual([
        'accounts.erased guarded',
        'accounts.erase guarded',
        'accounts.fails public',
        'accounts.plain guarded',
      ]);
    });

    it('have one guard, which a test can replace', () => {
      expect(server.app.get(AccessGuard)).toBeInstanceOf(AccessGuard);
    });
  },
);
