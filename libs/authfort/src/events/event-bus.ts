import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import type { AuthEvent, AuthEventMap, AuthEventName } from './auth-events.js';
import { findListeners } from './on-auth-event.decorator.js';

type AnyListener = (event: AuthEvent) => unknown;

/** Delivers events to the methods that carry `@OnAuthEvent()`, after the commit and apart from the request. */
@Injectable()
export class EventBus implements OnApplicationBootstrap {
  private readonly logger = new Logger(EventBus.name);
  private readonly listeners = new Map<AuthEventName, AnyListener[]>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const seen = new Set<object>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
        this.warnOfDeaf(wrapper.metatype);
        continue;
      }
      const instance: unknown = wrapper.instance;
      // The same instance stands under each of its aliases.
      if (typeof instance !== 'object' || instance === null || seen.has(instance)) continue;
      seen.add(instance);
      for (const { event, method } of findListeners(instance)) {
        const listener = (instance as Record<string, AnyListener>)[method]!.bind(instance);
        this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
      }
    }
  }

  /** Announces an event. Within a transaction it waits for the commit; a rollback drops it. */
  emit<Name extends AuthEventName>(name: Name, payload: AuthEventMap[Name]): void {
    const event = { ...payload, name, at: this.clock.now() } as AuthEvent<Name>;
    this.database.afterCommit(() => {
      for (const listener of this.listeners.get(name) ?? []) void this.deliver(listener, event);
    });
  }

  /** A provider that is made for each request, or for each who asks for it, is not there when an event comes. */
  private warnOfDeaf(type: unknown): void {
    const prototype: unknown = typeof type === 'function' ? type.prototype : undefined;
    if (typeof prototype !== 'object' || prototype === null) return;
    for (const { event, method } of findListeners(prototype)) {
      this.logger.warn(
        `${prototype.constructor.name}.${method} never hears of ${event}: its provider is not a singleton`,
      );
    }
  }

  private async deliver(listener: AnyListener, event: AuthEvent): Promise<void> {
    try {
      await listener(event);
    } catch (error) {
      this.logger.error(
        `A listener of ${event.name} failed`,
        error instanceof Error ? error.stack : undefined,
      );
    }
  }
}
