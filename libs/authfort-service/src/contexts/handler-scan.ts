import type { Type } from '@nestjs/common';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';

/** How a handler is reached. */
export type HandlerKind = 'MESSAGE' | 'EVENT' | 'SOCKET' | 'QUERY' | 'MUTATION' | 'SUBSCRIPTION' | 'FIELD';

/** A method that a transport other than HTTP calls. */
export interface FoundHandler {
  readonly kind: HandlerKind;
  /** The pattern, the message, or the field of the schema (`Order.total`). One for each pattern. */
  readonly names: readonly string[];
  readonly host: Type;
  readonly methodName: string;
  readonly callback: (...args: unknown[]) => unknown;
}

/** The part of Nest's `Module` that is read here. */
export type NestModule = ModulesContainer extends Map<string, infer M> ? M : never;

type Wrapper = NestModule['providers'] extends Map<unknown, infer W> ? W : never;

// The keys of @nestjs/microservices, websockets and graphql: none of them is imported here.
const HANDLER_TYPE = 'microservices:handler_type';
const PATTERN = 'microservices:pattern';
const GATEWAY = 'websockets:is_gateway';
const GATEWAY_OPTIONS = 'websockets:gateway_options';
const SUBSCRIBES = 'websockets:message_mapping';
const MESSAGE = 'message';
const RESOLVER_TYPE = 'graphql:resolver_type';
const RESOLVER_NAME = 'graphql:resolver_name';
const RESOLVES_PROPERTY = 'graphql:resolve_property';
const RESOLVES_REFERENCE = 'graphql:resolve_reference';

const ROOT_TYPES = { Query: 'QUERY', Mutation: 'MUTATION', Subscription: 'SUBSCRIPTION' } as const;

/** Message handlers of the controllers, subscriptions of the gateways and methods of the resolvers of a module. */
export function handlersOf(module: NestModule): FoundHandler[] {
  const controllers = [...module.controllers.values()].flatMap(({ metatype }) =>
    messagesOf(metatype as Type),
  );
  const providers = [...module.providers.values()].flatMap((wrapper) => {
    const host = classOf(wrapper);
    return host ? [...socketsOf(host), ...resolversOf(host)] : [];
  });
  return [...controllers, ...providers];
}

/** A provider that a factory made is known by its instance: it may be a resolver. */
function classOf({ metatype, instance, isNotMetatype }: Wrapper): Type | undefined {
  if (!isNotMetatype) return metatype as Type;
  const made = instance as object | null | undefined;
  if (typeof made !== 'object' || made === null) return undefined;
  // Not `made.constructor`: the value of a provider may be a proxy that refuses unknown properties.
  const prototype = Object.getPrototypeOf(made) as { constructor?: unknown } | null;
  const host = prototype?.constructor;
  return typeof host === 'function' && host !== Object ? (host as Type) : undefined;
}

function messagesOf(host: Type): FoundHandler[] {
  return methodsOf(host, (methodName, callback) => {
    const type = Reflect.getMetadata(HANDLER_TYPE, callback) as 1 | 2 | undefined;
    if (type === undefined) return undefined;
    const patterns = [Reflect.getMetadata(PATTERN, callback) as unknown].flat();
    return {
      kind: type === 2 ? 'EVENT' : 'MESSAGE',
      names: patterns.map(nameOfPattern),
      host,
      methodName,
      callback,
    };
  });
}

function socketsOf(host: Type): FoundHandler[] {
  if (!Reflect.getMetadata(GATEWAY, host)) return [];
  const { namespace } = (Reflect.getMetadata(GATEWAY_OPTIONS, host) ?? {}) as { namespace?: string | RegExp };
  return methodsOf(host, (methodName, callback) => {
    if (Reflect.getMetadata(SUBSCRIBES, callback) === undefined) return undefined;
    const message = nameOfPattern(Reflect.getMetadata(MESSAGE, callback));
    const name = namespace === undefined ? message : `${String(namespace)} ${message}`;
    return { kind: 'SOCKET', names: [name], host, methodName, callback };
  });
}

function resolversOf(host: Type): FoundHandler[] {
  const ofClass = Reflect.getMetadata(RESOLVER_TYPE, host) as string | undefined;
  return methodsOf(host, (methodName, callback) => {
    const isReference = Reflect.getMetadata(RESOLVES_REFERENCE, callback) === true;
    const isProperty = Reflect.getMetadata(RESOLVES_PROPERTY, callback) === true;
    const type = (Reflect.getMetadata(RESOLVER_TYPE, callback) as string | undefined) ?? ofClass;
    const named = (Reflect.getMetadata(RESOLVER_NAME, callback) as string | undefined) ?? methodName;
    if (isRootType(type)) return { kind: ROOT_TYPES[type], names: [named], host, methodName, callback };
    if (!isReference && !isProperty) return undefined;
    const field = `${ofClass ?? host.name}.${isReference ? '__resolveReference' : named}`;
    return { kind: 'FIELD', names: [field], host, methodName, callback };
  });
}

function isRootType(type: string | undefined): type is keyof typeof ROOT_TYPES {
  return type !== undefined && Object.hasOwn(ROOT_TYPES, type);
}

type Reading = (methodName: string, callback: FoundHandler['callback']) => FoundHandler | undefined;

function methodsOf(host: Type | undefined, read: Reading): FoundHandler[] {
  const prototype = host?.prototype as Record<string, FoundHandler['callback']> | undefined;
  if (!prototype) return [];
  return new MetadataScanner()
    .getAllMethodNames(prototype)
    .flatMap((methodName) => read(methodName, prototype[methodName]!) ?? []);
}

/** `orders.refund`, `Orders/Find` (gRPC), `{"cmd":"refund"}`. */
function nameOfPattern(pattern: unknown): string {
  if (typeof pattern !== 'object' || pattern === null || pattern instanceof RegExp) return String(pattern);
  const { service, rpc } = pattern as { service?: string; rpc?: string };
  return service && rpc ? `${service}/${rpc}` : JSON.stringify(pattern);
}
