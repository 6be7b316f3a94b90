import { createServer } from 'node:net';
import {
  Controller,
  Get,
  type INestApplication,
  type INestMicroservice,
  Injectable,
  type LoggerService,
  type Provider,
  Scope,
  type Type,
} from '@nestjs/common';
import {
  type ClientProxy,
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Payload,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import {
  accessError,
  CurrentUser,
  fastifyOptions,
  Public,
  Roles,
  ServiceAuthModule,
  type ServiceAuthOptions,
} from 'authfort-service';
import type { TestIssuer } from 'authfort-service/testing';
import { type Adapter } from './harness.js';
import { firstValueFrom, throwError, timeout } from 'rxjs';

/** The handlers that ran, by name. A refused message leaves nothing here. */
export const handled: string[] = [];

/** One handler for each kind of access, and those that throw. */
@Controller('orders')
export class OrderMessages {
  @MessagePattern('orders.refund')
  @Roles('admin')
  refund(@Payload() data: unknown): string {
    handled.push('orders.refund');
    return `refunded ${JSON.stringify(data)}`;
  }
  @MessagePattern('orders.plain')
  plain(): string {
    handled.push('orders.plain');
    return 'plain';
  }
  @MessagePattern('orders.mine')
  mine(@CurrentUser('sub') sub: string): string {
    return sub;
  }
  @MessagePattern({ cmd: 'open', of: 'orders' })
  @Public()
  open(): string {
    return 'open';
  }
  @EventPattern('orders.cancelled')
  @Roles('admin')
  cancelled(_data: unknown): void {
    handled.push('orders.cancelled');
  }
  @EventPattern('orders.seen')
  @Public()
  seen(_data: unknown): void {
    handled.push('orders.seen');
  }
  @MessagePattern('throws.error')
  @Public()
  throwsError(): never {
    throw new Error('secret-cause');
  }
  @MessagePattern('throws.rpc')
  @Public()
  throwsRpc(): never {
    throw new RpcException({ reason: 'sold out' });
  }
  @MessagePattern('throws.ours')
  @Public()
  throwsOurs(): never {
    throw accessError('token_expired', { cause: new Error('secret-cause') });
  }
  @MessagePattern('throws.later')
  @Public()
  throwsLater(): unknown {
    return throwError(() => new Error('secret-cause'));
  }
  @EventPattern('throws.event')
  @Public()
  throwsEvent(_data: unknown): void {
    handled.push('throws.event');
    throw new Error('secret-cause');
  }
  /** A route too: its guard runs once. */
  @Get()
  @Public()
  route(): string {
    return 'route';
  }
}

export abstract class InheritedMessages {
  @MessagePattern('inherited')
  inherited(): string {
    handled.push('inherited');
    return 'inherited';
  }
}

/** Handlers of a base class, and a decorator of the class itself. */
@Controller()
@Roles('admin')
export class InheritingMessages extends InheritedMessages {}

@Controller({ scope: Scope.REQUEST })
export class RequestScopedMessages {
  @MessagePattern('request-scoped')
  @Roles('admin')
  scoped(): string {
    handled.push('request-scoped');
    return 'request-scoped';
  }
}

/** Depends on a request-scoped provider, which makes it request-scoped too. */
@Injectable({ scope: Scope.REQUEST })
export class RequestScopedService {}

@Controller()
export class BubblingMessages {
  constructor(readonly service: RequestScopedService) {}

  @MessagePattern('bubbling')
  bubbling(): string {
    handled.push('bubbling');
    return 'bubbling';
  }
}

export const messageControllers: Type[] = [
  OrderMessages,
  InheritingMessages,
  RequestScopedMessages,
  BubblingMessages,
];

export type Refusal = { statusCode: number; error: string; message: string };
export const tokenMissing: Refusal = {
  statusCode: 401,
  error: 'token_missing',
  message: 'An access token is needed',
};

export interface MessageAppOptions {
  options?: Partial<ServiceAuthOptions>;
  controllers?: Type[];
  providers?: Provider[];
  logger?: LoggerService;
  override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
  withoutAuth?: boolean;
  /** Of a hybrid app. Default Express. */
  adapter?: Adapter;
}

/** The module of an app with message handlers, before it is made a hybrid app or a microservice. */
export async function messageModule(issuer: TestIssuer, given: MessageAppOptions = {}) {
  const { options, controllers = messageControllers, providers = [], override, withoutAuth } = given;
  const builder = Test.createTestingModule({
    imports: withoutAuth ? [] : [ServiceAuthModule.forRoot({ jwksUrl: issuer.jwksUrl, ...options })],
    controllers,
    providers: [RequestScopedService, ...providers],
  });
  if (given.logger) builder.setLogger(given.logger);
  return (override?.(builder) ?? builder).compile();
}

export interface Talk {
  app: INestApplication | INestMicroservice;
  client: ClientProxy;
  send(pattern: unknown, data?: unknown): Promise<unknown>;
  /** The error that the caller gets; fails if the handler ran. */
  refusal(pattern: unknown, data?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** The two ends of a transport. Every answer has to come within the time limit. */
export function talk(app: INestApplication | INestMicroservice, client: ClientProxy, limitMs = 3000): Talk {
  const send: Talk['send'] = (pattern, data = {}) =>
    firstValueFrom(client.send(pattern, data).pipe(timeout(limitMs)));
  return {
    app,
    client,
    send,
    refusal: (pattern, data) =>
      send(pattern, data).then(
        (answer) => {
          throw new Error(`was let through: ${JSON.stringify(answer)}`);
        },
        (error: unknown) => error,
      ),
    close: async () => {
      await client.close();
      await app.close();
    },
  };
}

export const tcp = (port: number): MicroserviceOptions => ({
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port },
});

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A hybrid app (HTTP and a transport), as `app.connectMicroservice()` makes it. */
export async function hybrid(
  issuer: TestIssuer,
  transport: MicroserviceOptions,
  { inheritAppConfig, ...given }: MessageAppOptions & { inheritAppConfig?: boolean } = {},
): Promise<Talk> {
  const module = await messageModule(issuer, given);
  const adapter = given.adapter === 'fastify' ? new FastifyAdapter(fastifyOptions) : new ExpressAdapter();
  const app = module.createNestApplication(adapter, { logger: given.logger ?? false });
  app.connectMicroservice<MicroserviceOptions>(transport, { inheritAppConfig });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return talk(app, ClientProxyFactory.create(transport as never) as unknown as ClientProxy);
}

/** A microservice without HTTP. */
export async function microservice(
  issuer: TestIssuer,
  transport: MicroserviceOptions,
  given: MessageAppOptions = {},
): Promise<Talk> {
  const module = await messageModule(issuer, given);
  const app = module.createNestMicroservice<MicroserviceOptions>({
    ...transport,
    logger: given.logger ?? false,
  });
  await app.listen();
  return talk(app, ClientProxyFactory.create(transport as never) as unknown as ClientProxy);
}

/** Keeps what an app logs. */
export class MemoryLogger implements LoggerService {
  readonly lines: string[] = [];
  private readonly write = (level: string, message: unknown, ...more: unknown[]): void => {
    const text = message instanceof Error ? (message.stack ?? message.message) : String(message);
    this.lines.push([level, ...more.map(String), text].join(' '));
  };
  log = (message: unknown, ...more: unknown[]): void => this.write('LOG', message, ...more);
  warn = (message: unknown, ...more: unknown[]): void => this.write('WARN', message, ...more);
  error = (message: unknown, ...more: unknown[]): void => this.write('ERROR', message, ...more);
  debug = (message: unknown, ...more: unknown[]): void => this.write('DEBUG', message, ...more);
  get text(): string {
    return this.lines.join('\n');
  }
}
