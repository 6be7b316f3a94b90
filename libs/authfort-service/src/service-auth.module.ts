import {
  type DynamicModule,
  type InjectionToken,
  Logger,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  type OptionalFactoryDependency,
  type Provider,
  Inject,
} from '@nestjs/common';
import { APP_GUARD, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { HandlerProtection } from './contexts/handler-protection.js';
import { ACCESS_GUARD_OPTIONS, AccessGuard, type AccessGuardOptions } from './guards/access.guard.js';
import { describeAccess } from './guards/describe-access.js';
import { findPassportGuard } from './guards/passport-guard.js';
import { routesOf } from './guards/route-access.js';
import { Drain, DRAIN_OPTIONS, type DrainOptions } from './http/drain.js';
import { OutgoingRequests } from './http/outgoing-requests.js';
import { IntrospectionClient } from './introspection/introspection.client.js';
import {
  resolveServiceOptions,
  SERVICE_AUTH_CONFIG,
  type ServiceAuthConfig,
} from './options/service-auth.config.js';
import type { ServiceAuthOptions } from './options/service-auth.options.js';
import { revocationProviders } from './revocation/revocation.providers.js';
import { RevocationList } from './revocation/revocation-list.js';
import { admittedBy } from './revocation/stale.strategy.js';
import { ServiceAuth } from './service-auth.js';
import { AccessTokenVerifier } from './token/access-token.verifier.js';
import { Clock, SystemClock } from './token/clock.port.js';
import { jwksFetcher } from './token/jwks-fetch.js';
import { JwksKeySource } from './token/jwks.key-source.js';
import { registerStrategy, type StrategyOwner } from './token/passport-registry.js';
import { TokenAuthenticator } from './token/token-authenticator.port.js';

/** Options of {@link ServiceAuthModule.forRootAsync}. */
export interface ServiceAuthAsyncOptions {
  imports?: ModuleMetadata['imports'];
  inject?: (InjectionToken | OptionalFactoryDependency)[];
  useFactory: (...args: never[]) => ServiceAuthOptions | Promise<ServiceAuthOptions>;
}

/**
 * Guards a service with the tokens of an AuthFort server: no database, and no call to the auth server on a request. It also registers
 * a passport-jwt strategy named `authfort`, for `@UseGuards(AuthGuard('authfort'))`.
 */
@Module({})
export class ServiceAuthModule implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('ServiceAuth');
  private readonly owner: StrategyOwner;
  private removeStrategy: (() => void) | undefined;

  constructor(
    @Inject(SERVICE_AUTH_CONFIG) private readonly config: ServiceAuthConfig,
    private readonly modules: ModulesContainer,
    private readonly auth: ServiceAuth,
    verifier: AccessTokenVerifier,
    adapterHost: HttpAdapterHost,
  ) {
    const strategy = admittedBy((user, token) => auth.admit(user, token), verifier.strategy);
    this.owner = { strategy, adapterHost };
  }

  /**
   * @param options the URL of the JWKS, or all options
   * @throws ServiceAuthOptionsError with every problem at once
   */
  static forRoot(options: string | ServiceAuthOptions): DynamicModule {
    return assemble({ provide: SERVICE_AUTH_CONFIG, useValue: resolveServiceOptions(options) });
  }

  /** The same with options that a factory makes. */
  static forRootAsync({ imports, inject = [], useFactory }: ServiceAuthAsyncOptions): DynamicModule {
    const config = {
      provide: SERVICE_AUTH_CONFIG,
      inject,
      useFactory: async (...args: never[]) => resolveServiceOptions(await useFactory(...args)),
    };
    return assemble(config, imports);
  }

  onModuleInit(): void {
    this.removeStrategy = registerStrategy(this.owner);
  }

  onApplicationShutdown(): void {
    this.removeStrategy?.();
  }

  /** Fetches the keys ahead of the first request, without keeping the boot waiting, and says what is guarded. */
  onApplicationBootstrap(): void {
    void this.auth.ready();
    const routes = routesOf(this.modules, this.config.guard);
    const width = Math.max(0, ...routes.map(({ method }) => method.length));
    const lines = routes.map(
      (route) => `  ${route.method.padEnd(width)} ${route.path}  ${describeAccess(route)}`,
    );
    this.logger.log(`Access of the ${routes.length} routes:\n${lines.join('\n')}`);
    if (!this.config.introspectUrl && routes.some(({ introspect }) => introspect)) {
      this.logger.warn(
        'Routes with @Introspect() answer 503 until introspectUrl and introspectSecret are set',
      );
    }
    if (!this.config.introspectUrl && routes.some(({ permissions }) => permissions.length > 0)) {
      this.logger.log(
        'Routes with @Permissions() answer 403 to tokens without the claim `permissions`: it takes claims.permissions at the auth server, or introspectUrl and introspectSecret here',
      );
    }
  }
}

const PASSPORT_GUARD = Symbol('PASSPORT_GUARD');

function assemble(config: Provider, imports: ModuleMetadata['imports'] = []): DynamicModule {
  return {
    module: ServiceAuthModule,
    global: true,
    imports,
    providers: [config, ...providers],
    exports: [ServiceAuth, AccessTokenVerifier],
  };
}

const providers: Provider[] = [
  // This has to precede every listing of the routes.
  { provide: PASSPORT_GUARD, inject: [ModulesContainer], useFactory: findPassportGuard },
  { provide: Clock, useClass: SystemClock },
  {
    provide: JwksKeySource,
    inject: [SERVICE_AUTH_CONFIG, Clock, OutgoingRequests],
    useFactory: (config: ServiceAuthConfig, clock: Clock, outgoing: OutgoingRequests) =>
      new JwksKeySource(
        jwksFetcher(config.jwksUrl, config.httpTimeoutSeconds, outgoing),
        {
          cacheTtlSeconds: config.jwksCacheTtlSeconds,
          maxStaleSeconds: config.jwksMaxStaleSeconds,
          cooldownSeconds: config.jwksCooldownSeconds,
        },
        clock,
      ),
  },
  ...revocationProviders,
  {
    provide: AccessTokenVerifier,
    inject: [SERVICE_AUTH_CONFIG, JwksKeySource, Clock, RevocationList],
    useFactory: (
      { verifiedTokenCacheSize, ...config }: ServiceAuthConfig,
      keySource: JwksKeySource,
      clock: Clock,
      revocations: RevocationList,
    ) =>
      new AccessTokenVerifier({
        ...config,
        keySource,
        clock,
        revocations,
        cacheSize: verifiedTokenCacheSize,
      }),
  },
  {
    provide: ACCESS_GUARD_OPTIONS,
    inject: [SERVICE_AUTH_CONFIG],
    useFactory: ({ guard, cookieName, allowedOrigins }: ServiceAuthConfig): AccessGuardOptions => ({
      mode: guard,
      cookieName,
      allowedOrigins,
    }),
  },
  {
    provide: DRAIN_OPTIONS,
    inject: [SERVICE_AUTH_CONFIG],
    useFactory: ({ shutdownDelaySeconds }: ServiceAuthConfig): DrainOptions => ({
      delaySeconds: shutdownDelaySeconds,
    }),
  },
  Drain,
  OutgoingRequests,
  IntrospectionClient,
  ServiceAuth,
  { provide: TokenAuthenticator, useExisting: ServiceAuth },
  AccessGuard,
  { provide: APP_GUARD, useExisting: AccessGuard },
  HandlerProtection,
];
