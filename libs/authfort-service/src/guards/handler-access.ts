import type { INestApplicationContext } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { guardsFields } from '../contexts/field-resolvers.js';
import { type FoundHandler, type HandlerKind, handlersOf } from '../contexts/handler-scan.js';
import { type GuardMode, requirementOf } from './access-requirement.js';
import { hasPassportGuard } from './passport-guard.js';

/** A handler of a transport other than HTTP, and who may call it. */
export interface HandlerAccess {
  readonly kind: HandlerKind;
  /** `orders.refund`, `{"cmd":"refund"}`, `Orders/Find` (gRPC), the message of a socket, the field of a GraphQL schema. */
  readonly name: string;
  /** `OrdersController.refund` */
  readonly handler: string;
  readonly access: 'public' | 'guarded';
  /** Any of them is enough. */
  readonly roles: readonly string[];
  /** All of them are needed. */
  readonly permissions: readonly string[];
  readonly introspect: boolean;
}

/**
 * All message handlers, event handlers, socket subscriptions and GraphQL resolvers of an app with their access, by kind and name. For
 * the log at the start, and for a test that no handler is open by accident. A field of a GraphQL type is listed where guards run on
 * fields (`fieldResolverEnhancers: ['guards']`); elsewhere it is as open as the query that leads to it.
 * @param mode the option `guard` of the module. Default `closed`
 */
export function listHandlers(
  app: Pick<INestApplicationContext, 'get'>,
  mode: GuardMode = 'closed',
): HandlerAccess[] {
  return handlerAccessOf(app.get(ModulesContainer, { strict: false }), mode);
}

/** See {@link listHandlers}. */
export function handlerAccessOf(modules: ModulesContainer, mode: GuardMode): HandlerAccess[] {
  const found = [...modules.values()].flatMap((module) => {
    const fields = guardsFields(modules, module);
    return handlersOf(module).filter(({ kind }) => kind !== 'FIELD' || fields);
  });
  const listed = found.flatMap((handler) => accessOf(handler, mode, modules));
  // A class may be provided by several modules.
  const distinct = new Map(listed.map((entry) => [`${entry.kind} ${entry.name} ${entry.handler}`, entry]));
  return [...distinct].sort(([a], [b]) => a.localeCompare(b)).map(([, entry]) => entry);
}

function accessOf(
  { kind, names, host, methodName, callback }: FoundHandler,
  mode: GuardMode,
  modules: ModulesContainer,
): HandlerAccess[] {
  const requirement = requirementOf(host, callback, mode);
  const guarded = requirement !== undefined || hasPassportGuard(modules, host, callback);
  return names.map((name) => ({
    kind,
    name,
    handler: `${host.name}.${methodName}`,
    access: guarded ? 'guarded' : 'public',
    roles: [...(requirement?.roles ?? [])],
    permissions: [...(requirement?.permissions ?? [])],
    introspect: requirement?.introspect ?? false,
  }));
}
