import type { AuthEvent, AuthEventName } from './auth-events.js';

type Listener<Name extends AuthEventName> = (event: AuthEvent<Name>) => void | Promise<void>;

const listenersOf = new WeakMap<object, { event: AuthEventName; method: string }[]>();

/**
 * Calls the decorated method of a provider or controller after each event of that name, once the change is committed.
 * A listener that throws is logged; it never breaks the request.
 */
export function OnAuthEvent<Name extends AuthEventName>(event: Name) {
  return (target: object, method: string, _descriptor: { readonly value?: Listener<Name> }): void => {
    const known = listenersOf.get(target) ?? [];
    listenersOf.set(target, [...known, { event, method }]);
  };
}

/** The decorated methods of a provider, those of its base classes included; each once, also when an override is decorated again. */
export function findListeners(provider: object): { event: AuthEventName; method: string }[] {
  const found = new Map<string, { event: AuthEventName; method: string }>();
  for (let link: object | null = provider; link; link = Object.getPrototypeOf(link) as object | null) {
    for (const listener of listenersOf.get(link) ?? [])
      found.set(`${listener.event} ${listener.method}`, listener);
  }
  return [...found.values()];
}
