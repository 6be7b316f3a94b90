import type { AuthEvent, AuthEventName } from './auth-events.js';

type Listener<Name extends AuthEventName> = (event: AuthEvent<Name>) => void | Promise<void>;

/** How a listener wants to be called. */
export interface OnAuthEventOptions {
  /**
   * `true`: at least once, also when the process dies: the event is written down with the change, and the listener is called until it
   * succeeds, by one replica. Then `at` is a Date, and everything else as JSON has it. Default: right after the commit, in the process
   * that made the change, and never again.
   */
  durable?: boolean;
  /** Name of a durable listener, for the outbox; default `Class.method`. Rename the class, and what waits under the old name is lost. */
  group?: string;
}

/** A decorated method. */
export interface FoundListener {
  readonly event: AuthEventName;
  readonly method: string;
  /** The group of a durable listener. */
  readonly group: string | undefined;
}

const listenersOf = new WeakMap<object, FoundListener[]>();

/**
 * Calls the decorated method of a provider or controller after each event of that name, once the change is committed.
 * A listener that throws is logged; it never breaks the request.
 */
export function OnAuthEvent<Name extends AuthEventName>(event: Name, options: OnAuthEventOptions = {}) {
  return (target: object, method: string, _descriptor: { readonly value?: Listener<Name> }): void => {
    const known = listenersOf.get(target) ?? [];
    const group = options.durable ? (options.group ?? `${target.constructor.name}.${method}`) : undefined;
    listenersOf.set(target, [...known, { event, method, group }]);
  };
}

/** The decorated methods of a provider, those of its base classes included; each once, also when an override is decorated again. */
export function findListeners(provider: object): FoundListener[] {
  const found = new Map<string, FoundListener>();
  for (let link: object | null = provider; link; link = Object.getPrototypeOf(link) as object | null) {
    for (const listener of listenersOf.get(link) ?? []) {
      const key = `${listener.event} ${listener.method}`;
      // The override's own words count.
      if (!found.has(key)) found.set(key, listener);
    }
  }
  return [...found.values()];
}
