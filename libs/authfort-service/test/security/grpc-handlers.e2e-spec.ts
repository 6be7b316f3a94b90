import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { Controller, type Provider } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import {
  GrpcMethod,
  GrpcStreamCall,
  GrpcStreamMethod,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessError, ErrorFilter, listHandlers, Public, Roles } from 'authfort-service';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { type Observable, of } from 'rxjs';
import { freePort, messageModule } from '../message-app.js';

interface Order {
  id: string;
}
interface Call {
  on(event: string, listener: (...args: never[]) => void): Call;
  write(order: Order): void;
  end(): void;
}
type Answer = (error: ServiceError | null, order?: Order) => void;

@Controller()
@Roles('admin')
class OrderCalls {
  @GrpcMethod('Orders', 'Find')
  find(order: Order): Order {
    return order;
  }
  @GrpcMethod('Orders', 'Watch')
  watch(order: Order): Observable<Order> {
    return of(order);
  }
  @GrpcStreamMethod('Orders', 'Sum')
  sum(_orders: Observable<Order>): Order {
    return { id: 'sum' };
  }
  @GrpcStreamMethod('Orders', 'Chat')
  chat(orders: Observable<Order>): Observable<Order> {
    return orders;
  }
  @GrpcStreamCall('Orders', 'Raw')
  raw(call: Call): void {
    call.end();
  }
  @GrpcStreamCall('Orders', 'RawSum')
  rawSum(_call: Call, answer: Answer): void {
    answer(null, { id: 'sum' });
  }
}

@Controller()
@Public()
class OpenCalls {
  @GrpcMethod('Orders', 'Open')
  open({ id }: Order): Order {
    if (id === 'ours') throw accessError('insufficient_role', { cause: new Error('secret-cause') });
    return { id: 'open' };
  }
  @GrpcMethod('Orders', 'Fail')
  fail(): never {
    throw new Error('secret-cause');
  }
  @GrpcStreamCall('Orders', 'FailRaw')
  failRaw(): never {
    throw new Error('secret-cause');
  }
}

type Method = (...args: unknown[]) => Call;
type Client = Record<
  'find' | 'watch' | 'sum' | 'chat' | 'raw' | 'rawSum' | 'open' | 'fail' | 'failRaw',
  Method
> & {
  close(): void;
};
const protoPath = fileURLToPath(new URL('./orders.proto', import.meta.url));

describe('attack: gRPC calls without a token', () => {
  let issuer: TestIssuer;
  const closing: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    issuer = await createTestIssuer();
  });
  afterAll(async () => {
    for (const close of closing) await close();
    await issuer.stop();
  });

  const start = async (providers: Provider[]) => {
    const url = `127.0.0.1:${await freePort()}`;
    const module = await messageModule(issuer, { controllers: [OrderCalls, OpenCalls], providers });
    const app = module.createNestMicroservice<MicroserviceOptions>({
      transport: Transport.GRPC,
      options: { package: 'orders', protoPath, url },
      logger: false,
    });
    await app.listen();
    const { orders } = loadPackageDefinition(loadSync(protoPath)) as unknown as {
      orders: { Orders: new (...args: unknown[]) => Client };
    };
    const client = new orders.Orders(url, credentials.createInsecure());
    closing.push(async () => {
      client.close();
      await app.close();
    });
    return { app, client };
  };
  const metadata = () => {
    const sent = new Metadata();
    sent.set('authorization', 'Bearer nonsense');
    return sent;
  };
  const unary = (client: Client, method: keyof Client, order: Order = { id: '7' }) =>
    new Promise<Order | ServiceError>((resolve) =>
      client[method](order, metadata(), (error: ServiceError | null, answer: Order) =>
        resolve(error ?? answer),
      ),
    );
  const streaming = (client: Client, method: keyof Client, order?: Order) =>
    new Promise<Order | ServiceError | 'ended'>((resolve) => {
      const call = (order ? client[method](order, metadata()) : client[method](metadata())) as Call;
      call
        .on('data', (answer: Order) => resolve(answer))
        .on('error', (error: ServiceError) => resolve(error))
        .on('end', () => resolve('ended'));
      if (!order) call.write({ id: '7' });
    });
  const uploading = (client: Client, method: keyof Client) =>
    new Promise<Order | ServiceError>((resolve) => {
      const call = client[method](metadata(), (error: ServiceError | null, answer: Order) =>
        resolve(error ?? answer),
      ) as Call;
      call.write({ id: '7' });
    });
  const refused = {
    code: 16,
    details: 'token_missing: An access token is needed',
    metadata: expect.objectContaining({}),
  };

  it.each([
    ['without a filter', []],
    ['with the error filter', [{ provide: APP_FILTER, useClass: ErrorFilter }]],
  ] as [string, Provider[]][])('refuses every kind of call, %s', async (_, providers) => {
    const { app, client } = await start(providers);
    const answers = [
      await unary(client, 'find'),
      await streaming(client, 'watch', { id: '7' }),
      await uploading(client, 'sum'),
      await streaming(client, 'chat'),
      await streaming(client, 'raw'),
      await uploading(client, 'rawSum'),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject(refused);
      expect((answer as ServiceError).metadata.get('error')).toEqual(['token_missing']);
    }
    expect(await unary(client, 'open')).toEqual({ id: 'open' });
    expect(await unary(client, 'open', { id: 'ours' })).toMatchObject({
      code: 7,
      details: expect.stringMatching(/^insufficient_role: /),
    });
    expect(await unary(client, 'fail')).toMatchObject({ code: 2, details: 'Internal server error' });
    if (providers.length > 0)
      expect(await streaming(client, 'failRaw')).toMatchObject({ code: 2, details: 'Internal server error' });
    expect(await unary(client, 'open')).toEqual({ id: 'open' });
    expect(listHandlers(app).map(({ name, access }) => `${name} ${access}`)).toContain('Orders/Find guarded');
  });
});
