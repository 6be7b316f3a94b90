import {
  type CanActivate,
  type ExceptionFilter,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { EXCEPTION_FILTERS_METADATA, GUARDS_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import { GuardsContextCreator } from '@nestjs/core/guards/guards-context-creator.js';
import { ACCESS_GUARD_OPTIONS, AccessGuard, type AccessGuardOptions } from '../guards/access.guard.js';
import { describeAccess } from '../guards/describe-access.js';
import { handlerAccessOf } from '../guards/handler-access.js';
import { unguardedFields } from './field-resolvers.js';
import { type FoundHandler, handlersOf, type NestModule } from './handler-scan.js';
import { HandlerGuard } from './handler.guard.js';
import { RefusalFilter } from './refusal.filter.js';

/** By app: our modules may both be in one. */
const guardsOfApps = new WeakMap<ModulesContainer, HandlerGuard>();
const refusals = new RefusalFilter();

/**
 * Attaches the guard to every message handler and socket subscription, and the filter for refusals to every handler. Nest applies no
 * `APP_GUARD` to the transports that `connectMicroservice` adds without `inheritAppConfig` (nestjs/nest#4112). A microservice registers its
 * listeners before `onModuleInit`; therefore the constructor does this. Modules that are loaded later (`LazyModuleLoader`) have no
 * handlers: Nest registers none.
 * @throws Error when Nest would not run the guard: the app does not start
 */
@Injectable()
export class HandlerProtection implements OnModuleInit, OnApplicationBootstrap {
  private readonly logger = new Logger('AccessGuard');

  constructor(
    private readonly modules: ModulesContainer,
    guard: AccessGuard,
    @Inject(ACCESS_GUARD_OPTIONS) private readonly options: AccessGuardOptions,
  ) {
    const ofApp = guardsOfApps.get(modules) ?? new HandlerGuard();
    guardsOfApps.set(modules, ofApp);
    ofApp.add(guard);
    const unguarded = [...modules].flatMap(([key, module]) => {
      const handlers = handlersOf(module);
      for (const { callback } of handlers) prepend(EXCEPTION_FILTERS_METADATA, refusals, callback);
      const guarded = handlers.filter(({ kind }) => ['MESSAGE', 'EVENT', 'SOCKET'].includes(kind));
      if (guarded.length > 0) attach(guarded, module, ofApp);
      return guarded.filter((handler) => !isGuarded(handler, key, modules));
    });
    if (unguarded.length > 0) {
      const names = unguarded.map(({ host, methodName }) => `${host.name}.${methodName}`);
      throw new Error(
        `The access guard cannot be attached to ${names.join(', ')}, so they would be open to everybody. Check that this version of Nest is supported`,
      );
    }
  }

  /** @throws Error when a decorator of ours on a GraphQL field would be ignored: the app does not start */
  onModuleInit(): void {
    const fields = unguardedFields(this.modules);
    if (fields.length === 0) return;
    throw new Error(
      `Access decorators have no effect on these GraphQL fields: ${fields.join(', ')}. Set fieldResolverEnhancers: ['guards'] in the options of the GraphQLModule`,
    );
  }

  /** Logs every handler with its access. */
  onApplicationBootstrap(): void {
    const handlers = handlerAccessOf(this.modules, this.options.mode);
    if (handlers.length === 0) return;
    const width = Math.max(...handlers.map(({ kind }) => kind.length));
    const lines = handlers.map(
      (handler) => `  ${handler.kind.padEnd(width)} ${handler.name}  ${describeAccess(handler)}`,
    );
    this.logger.log(`Access of the ${handlers.length} handlers:\n${lines.join('\n')}`);
  }
}

/** As `@UseGuards(HandlerGuard)` on the class does. A class that resolves to no provider of the module would be skipped. */
function attach(handlers: readonly FoundHandler[], module: NestModule, guard: HandlerGuard): void {
  for (const host of new Set(handlers.map((handler) => handler.host)))
    prepend(GUARDS_METADATA, HandlerGuard, host);
  module.addInjectable({ provide: HandlerGuard, useValue: guard }, 'guard');
}

/** Asks Nest which guards it will run. The app may have Nest decorate every instance (`instrument`), also this one. */
function isGuarded({ host, callback }: FoundHandler, moduleKey: string, modules: ModulesContainer): boolean {
  const container = { getModules: () => modules } as ConstructorParameters<typeof GuardsContextCreator>[0];
  const attached = modules.get(moduleKey)?.injectables.get(HandlerGuard)?.instance as CanActivate | undefined;
  const instance = Object.create(host.prototype as object) as object;
  const guards = new GuardsContextCreator(container).create(instance, callback, moduleKey);
  return attached !== undefined && guards.includes(attached);
}

/** A class inherits the list of enhancers, unless it defines one. */
function prepend(key: string, enhancer: Type<CanActivate> | ExceptionFilter, target: object): void {
  const present = (Reflect.getMetadata(key, target) ?? []) as unknown[];
  if (Reflect.getOwnMetadata(key, target) === undefined || !present.includes(enhancer))
    Reflect.defineMetadata(key, [enhancer, ...present.filter((other) => other !== enhancer)], target);
}
