import {
  type DynamicModule,
  Inject,
  Injectable,
  type InjectionToken,
  type MiddlewareConsumer,
  Module,
  type ModuleMetadata,
  type NestModule,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type OptionalFactoryDependency,
  type Provider,
} from '@nestjs/common';
import { DiscoveryModule, HttpAdapterHost } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { corsFor } from 'authfort-service';
import { AuthFort } from './auth-fort.js';
import { CleanupSchedule } from './cleanup/cleanup.schedule.js';
import { authfortEntities } from './database/entities.js';
import { ReplicaSignal } from './database/replica-signal.js';
import { ActorScope, type FastifyHooks } from './events/actor.scope.js';
import { authEventNames } from './events/auth-events.js';
import { OutboxWorker } from './events/outbox.worker.js';
import { features } from './features.js';
import { acceptEmptyJsonBodies, type RouteHooks } from './http/empty-json-body.js';
import { underPrefix } from './http/route-prefix.js';
import { type DocumentHooks, JwksShortcut } from './keys/jwks.shortcut.js';
import { KeyRing } from './keys/key-ring.js';
import { KeyRotationService } from './keys/key-rotation.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from './options/auth-fort.config.js';
import type { AuthFortOptions } from './options/auth-fort.options.js';
import { readLibraryEnvironment } from './options/env.js';
import { resolveOptions } from './options/resolve-options.js';
import { PasswordHasher } from './password/password-hasher.js';
import { draining, wiring } from './wiring.js';

/** Options of {@link AuthFortModule.forRootAsync}. */
export interface AuthFortAsyncOptions {
  imports?: ModuleMetadata['imports'];
  inject?: (InjectionToken | OptionalFactoryDependency)[];
  useFactory: (
    ...args: never[]
  ) => Omit<AuthFortOptions, 'routePrefix'> | Promise<Omit<AuthFortOptions, 'routePrefix'>>;
  /** Has to be known when the routes are made, before the factory runs. Default `auth`. */
  routePrefix?: string;
}

/**
 * The auth server as one Nest module: controllers, entities and the injectable {@link AuthFort}. It uses the app's own TypeORM
 * connection. Options that cannot work stop the boot with one error that lists every problem.
 */
@Module({})
export class AuthFortModule implements NestModule {
  constructor(
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
    private readonly adapterHost: HttpAdapterHost,
    private readonly actors: ActorScope,
    private readonly jwks: JwksShortcut,
  ) {}

  /** @throws AuthFortOptionsError with every problem of the options at once. */
  static forRoot(options: AuthFortOptions = {}): DynamicModule {
    const config = resolveOptions(options, readLibraryEnvironment(), authEventNames);
    return assemble(config.routePrefix, { provide: AUTHFORT_CONFIG, useValue: config });
  }

  /**
   * The services alone, for the command line: no routes, no schedule, and no signing key made or opened. So it needs no key
   * encryption secret until a command seals a key.
   * @internal
   */
  static forTasks(options: AuthFortOptions): DynamicModule {
    const config = resolveOptions(options, { production: false, keyEncryptionSecret: undefined });
    return assembleTasks({ provide: AUTHFORT_CONFIG, useValue: config });
  }

  /** The same with options that a factory makes. */
  static forRootAsync({
    imports,
    inject = [],
    useFactory,
    routePrefix = 'auth',
  }: AuthFortAsyncOptions): DynamicModule {
    return assemble(
      routePrefix,
      {
        provide: AUTHFORT_CONFIG,
        inject,
        useFactory: async (...args: never[]) =>
          resolveOptions(
            { ...(await useFactory(...args)), routePrefix },
            readLibraryEnvironment(),
            authEventNames,
          ),
      },
      imports,
    );
  }

  configure(consumer: MiddlewareConsumer): void {
    const { corsOrigins, routePrefix } = this.config;
    if (corsOrigins.length > 0) consumer.apply(corsFor(corsOrigins)).forRoutes('{*path}');
    const { httpAdapter } = this.adapterHost;
    if (httpAdapter.getType() === 'fastify') {
      const fastify = httpAdapter.getInstance<FastifyHooks & RouteHooks & DocumentHooks>();
      this.jwks.addTo(fastify);
      acceptEmptyJsonBodies(fastify, routePrefix);
      this.actors.addTo(fastify);
    } else consumer.apply(this.actors.middleware).forRoutes('{*path}');
  }
}

/** What a server does before its first request: keys there, password decoy there. */
@Injectable()
class ServerStart implements OnModuleInit, OnApplicationBootstrap {
  constructor(
    private readonly signal: ReplicaSignal,
    private readonly ring: KeyRing,
    private readonly rotation: KeyRotationService,
    private readonly hasher: PasswordHasher,
    private readonly outbox: OutboxWorker,
  ) {}

  async onModuleInit(): Promise<void> {
    await Promise.all([this.ring.start(), this.hasher.prepare()]);
    this.rotation.startSchedule();
    this.signal.listen();
  }

  /** The listeners are known by then: {@link EventBus} has found them. */
  async onApplicationBootstrap(): Promise<void> {
    await this.outbox.start();
  }
}

function assemble(
  routePrefix: string,
  config: Provider,
  imports: ModuleMetadata['imports'] = [],
): DynamicModule {
  const tasks = assembleTasks(config, imports);
  return {
    ...tasks,
    controllers: features.flatMap(({ controllers = [], rootControllers = [] }) => [
      ...rootControllers,
      ...underPrefix(routePrefix, [...controllers]),
    ]),
    providers: [...tasks.providers, CleanupSchedule, ServerStart, ...draining],
  };
}

function assembleTasks(
  config: Provider,
  imports: ModuleMetadata['imports'] = [],
): DynamicModule & { providers: Provider[] } {
  return {
    module: AuthFortModule,
    global: true,
    imports: [...imports, DiscoveryModule, TypeOrmModule.forFeature(authfortEntities)],
    providers: [config, ...wiring, ...features.flatMap(({ providers = [] }) => providers)],
    exports: [AuthFort],
  };
}
