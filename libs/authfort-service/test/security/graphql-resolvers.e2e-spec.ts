import { type CanActivate, type INestApplication, Module, type Provider, type Type } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import {
  Field,
  GraphQLModule,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { Test } from '@nestjs/testing';
import { afterEach, afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccessGuard,
  accessError,
  type AuthUser,
  CurrentUser,
  ErrorFilter,
  Introspect,
  listHandlers,
  Permissions,
  Public,
  Roles,
  ServiceAuthModule,
  type ServiceAuthOptions,
} from 'authfort-service';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { WebSocket } from 'ws';
import { MemoryLogger } from '../message-app.js';

@ObjectType()
class Order {
  @Field(() => String)
  id!: string;
  @Field(() => String, { nullable: true })
  total?: string;
}

@Resolver(() => Order)
class OrderResolver {
  @Query(() => [Order])
  orders(): Order[] {
    return [{ id: '7' }];
  }
  @Query(() => Order)
  @Public()
  openOrder(): Order & { user: object } {
    return { id: '7', user: { sub: 'the owner of the order' } };
  }
  @Query(() => String)
  @Public()
  failing(): string {
    throw new Error('secret-cause');
  }
  @Query(() => String)
  @Public()
  failingOurs(): string {
    throw accessError('insufficient_role', { cause: new Error('secret-cause') });
  }
  @Subscription(() => String)
  @Roles('admin')
  async *refunds(): AsyncGenerator<{ refunds: string }> {
    yield { refunds: 'refunded' };
  }
  @Subscription(() => String)
  @Public()
  async *ticks(): AsyncGenerator<{ ticks: string }> {
    yield { ticks: 'tick' };
  }
  @Mutation(() => String)
  @Roles('admin')
  refund(): string {
    return 'refunded';
  }
}

@Resolver(() => Order)
class RolesOnField {
  @ResolveField(() => String)
  @Roles('admin')
  total(@Parent() { id }: Order): string {
    return `total of ${id}`;
  }
}
@Resolver(() => Order)
class PermissionsOnField {
  @ResolveField('total', () => String)
  @Permissions('orders:total')
  sum(): string {
    return 'sum';
  }
}
@Resolver(() => Order)
class IntrospectOnField {
  @ResolveField(() => String)
  @Introspect()
  total(): string {
    return 'total';
  }
}
@Resolver(() => Order)
class UserOnField {
  @ResolveField(() => String)
  total(@CurrentUser() user: AuthUser): string {
    return user.sub;
  }
}
@Resolver(() => Order)
@Roles('admin')
class RolesOnClass {
  @ResolveField(() => String)
  total(): string {
    return 'total';
  }
}
@Resolver(() => Order)
class PlainField {
  @ResolveField(() => String)
  total(): string {
    return 'total';
  }
}

interface Answer {
  data: unknown;
  errors?: { message: string; extensions: Record<string, unknown> }[];
}
interface Given {
  providers?: Provider[];
  graphql?: Partial<ApolloDriverConfig>;
  options?: Partial<ServiceAuthOptions>;
  logger?: MemoryLogger;
  async?: boolean;
  imports?: Type[];
  /** In the place of our guard. */
  override?: CanActivate;
}

describe('attack: GraphQL without a token', () => {
  let issuer: TestIssuer;
  let app: INestApplication | undefined;
  beforeAll(async () => {
    issuer = await createTestIssuer();
  });
  afterEach(() => stop());
  afterAll(() => issuer.stop());

  const start = async ({
    providers = [],
    imports = [],
    graphql,
    options,
    logger,
    async,
    override,
  }: Given = {}) => {
    const config: ApolloDriverConfig = {
      driver: ApolloDriver,
      autoSchemaFile: true,
      graphiql: false,
      ...graphql,
    };
    const builder = Test.createTestingModule({
      imports: [
        ...imports,
        ServiceAuthModule.forRoot({ jwksUrl: issuer.jwksUrl, ...options }),
        async
          ? GraphQLModule.forRootAsync<ApolloDriverConfig>({ driver: ApolloDriver, useFactory: () => config })
          : GraphQLModule.forRoot<ApolloDriverConfig>(config),
      ],
      providers: [OrderResolver, ...providers],
    });
    if (logger) builder.setLogger(logger);
    if (override) builder.overrideProvider(AccessGuard).useValue(override);
    const module = await builder.compile();
    app = module.createNestApplication({ logger: logger ?? false });
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    return async (query: string): Promise<Answer> => {
      const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      });
      return (await response.json()) as Answer;
    };
  };
  const stop = async () => {
    await app?.close();
    app = undefined;
  };
  const boot = async (given: Given): Promise<string> => {
    try {
      await start(given);
      return 'started';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await stop();
    }
  };

  it.each([
    ['without a filter', []],
    ['with the error filter', [{ provide: APP_FILTER, useClass: ErrorFilter }]],
  ] as [string, Provider[]][])('refuses with our code, %s', async (_, providers) => {
    const logger = new MemoryLogger();
    const ask = await start({ providers, logger });
    for (const query of ['{ orders { id } }', 'mutation { refund }']) {
      const { errors } = await ask(query);
      expect(errors).toMatchObject([
        { message: 'An access token is needed', extensions: { code: 'token_missing', statusCode: 401 } },
      ]);
    }
    expect(logger.lines.filter((line) => line.startsWith('ERROR'))).toEqual([]);
    expect((await ask('{ openOrder { id } }')).data).toEqual({ openOrder: { id: '7' } });
    const [ours] = (await ask('{ failingOurs }')).errors!;
    expect(ours).toMatchObject({ extensions: { code: 'insufficient_role', statusCode: 403 } });
    const [failed] = (await ask('{ failing }')).errors!;
    expect(failed!.extensions.code).toBe('INTERNAL_SERVER_ERROR');
    expect(logger.lines.filter((line) => /^ERROR.*secret-cause/s.test(line))).toHaveLength(1);
  });

  it.each([
    [RolesOnField, 'Order.total (RolesOnField.total)'],
    [PermissionsOnField, 'Order.total (PermissionsOnField.sum)'],
    [IntrospectOnField, 'Order.total (IntrospectOnField.total)'],
    [UserOnField, 'Order.total (UserOnField.total)'],
    [RolesOnClass, 'Order.total (RolesOnClass.total)'],
  ] as [Type, string][])('does not start where %p would be ignored', async (resolver, field) => {
    for (const guard of ['closed', 'decorated'] as const) {
      const message = await boot({ providers: [resolver], options: { guard } });
      expect(message).toContain(field);
      expect(message).toContain("fieldResolverEnhancers: ['guards']");
    }
    const others = { fieldResolverEnhancers: ['filters', 'interceptors'] as const };
    expect(await boot({ providers: [resolver], graphql: others as never, async: true })).toContain(field);
    const made = { provide: 'MADE', useFactory: () => new (resolver as new () => object)() };
    expect(await boot({ providers: [made] })).toContain(field);
  });

  it('refuses a subscription', async () => {
    await start({ graphql: { subscriptions: { 'graphql-ws': true } } });
    const { port } = app!.getHttpServer().address() as { port: number };
    const client = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws');
    const subscribe = (query: string) =>
      new Promise<Record<string, unknown>>((resolve) => {
        client.on('message', (text: Buffer) => {
          const message = JSON.parse(text.toString()) as Record<string, unknown>;
          if (message.id === query) resolve(message);
        });
        client.send(JSON.stringify({ type: 'subscribe', id: query, payload: { query } }));
      });
    await new Promise((resolve) => client.once('open', resolve));
    client.send(JSON.stringify({ type: 'connection_init' }));
    await new Promise((resolve) => client.once('message', resolve));
    expect(await subscribe('subscription { refunds }')).toMatchObject({
      payload: { errors: [{ extensions: { code: 'token_missing', statusCode: 401 } }] },
    });
    expect(await subscribe('subscription { ticks }')).toMatchObject({
      type: 'next',
      payload: { data: { ticks: 'tick' } },
    });
    client.terminate();
  });

  it('names every field in one error', async () => {
    expect(await boot({ providers: [RolesOnField, PermissionsOnField] })).toContain(
      'Order.total (PermissionsOnField.sum), Order.total (RolesOnField.total)',
    );
  });

  it('refuses the field where Nest runs guards on fields', async () => {
    const ask = await start({ providers: [RolesOnField], graphql: { fieldResolverEnhancers: ['guards'] } });
    const { data, errors } = await ask('{ openOrder { id total } }');
    expect(data).toEqual({ openOrder: { id: '7', total: null } });
    expect(errors).toMatchObject([{ extensions: { code: 'token_missing' } }]);
  });

  it('takes no user from the parent object of a field', async () => {
    const ask = await start({
      providers: [UserOnField],
      graphql: { fieldResolverEnhancers: ['guards'] },
      override: { canActivate: () => true },
    });
    const { data, errors } = await ask('{ openOrder { id total } }');
    expect(data).toEqual({ openOrder: { id: '7', total: null } });
    expect(errors).toMatchObject([{ extensions: { code: 'token_missing' } }]);
  });

  it('starts with undecorated fields, and with fields that the GraphQL server does not include', async () => {
    expect(await boot({ providers: [PlainField] })).toBe('started');
    @Module({ providers: [OrderResolver] })
    class Elsewhere {}
    const graphql = { include: [Elsewhere], buildSchemaOptions: { orphanedTypes: [Order] } };
    expect(await boot({ providers: [RolesOnField], imports: [Elsewhere], graphql })).toBe('started');
  });

  it('names every resolver with its access', async () => {
    const logger = new MemoryLogger();
    await start({ logger, providers: [RolesOnField], graphql: { fieldResolverEnhancers: ['guards'] } });
    expect(logger.text).toMatch(/^ *QUERY +orders {2}guarded$/m);
    expect(logger.text).toMatch(/^ *QUERY +openOrder {2}public$/m);
    expect(logger.text).toMatch(/^ *MUTATION +refund {2}guarded, roles: admin$/m);
    expect(logger.text).toMatch(/^ *FIELD +Order\.total {2}guarded, roles: admin$/m);
    expect(listHandlers(app!).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'FIELD Order.total',
      'MUTATION refund',
      'QUERY failing',
      'QUERY failingOurs',
      'QUERY openOrder',
      'QUERY orders',
      'SUBSCRIPTION refunds',
      'SUBSCRIPTION ticks',
    ]);
  });
});
