import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import type { ClientInfo } from '../http/client-info.js';
import { currentActor } from './actor.js';
import { type AuthEvent, type AuthEventMap, type AuthEventName, isAudited } from './auth-events.js';
import { EventLogRepository, type LoggedEvent } from './event-log.repository.js';
import { findListeners } from './on-auth-event.decorator.js';
import { OutboxWorker } from './outbox.worker.js';
import { repeatKeyOf } from './repeatable-events.js';

type AnyListener = (event: AuthEvent) => unknown;

/** What the audit log keeps of an event beside who and whom. Anything else stays out of it. */
const DETAILS = [
  'provider',
  'role',
  'permission',
  'reason',
  'fields',
  'hard',
  'oldKid',
  'newKid',
  'kid',
  'consumer',
  'event',
] as const;

/** Who did these is not known: somebody held a password, a cookie or an address. */
const BY_NOBODY_KNOWN: ReadonlySet<AuthEventName> = new Set([
  'login_failed',
  'refresh_token_reused',
  'refresh_token_mismatch',
  'refresh_token_repeated',
  'password_reset_requested',
  'magic_link_requested',
  'email_otp_requested',
]);

/** Writes events down with the change that they tell of, and delivers them to the methods that carry `@OnAuthEvent()` after the commit. */
@Injectable()
export class EventBus implements OnApplicationBootstrap {
  private readonly logger = new Logger(EventBus.name);
  private readonly listeners = new Map<AuthEventName, AnyListener[]>();
  private readonly pending = new WeakMap<object, AuthEvent[]>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly database: Database,
    private readonly log: EventLogRepository,
    private readonly worker: OutboxWorker,
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
      this.listen(instance);
    }
  }

  /**
   * Announces an event: it is written down with the change around it, and the listeners hear of it after the commit; a rollback drops
   * it. Outside a transaction it is one by itself.
   */
  async emit<Name extends AuthEventName>(name: Name, payload: AuthEventMap[Name]): Promise<void> {
    const event = { ...payload, name, id: randomUUID(), at: this.clock.now() } as AuthEvent;
    if (this.database.openTransaction) this.add(event, this.database.openTransaction);
    else {
      const wanted = this.worker.wants(name);
      // It is one statement, and so a transaction by itself.
      if (wanted || isAudited(name)) await this.log.write([toLogged(event)]);
      this.tell(event);
      if (wanted) this.worker.wake();
    }
  }

  /**
   * Runs `work`, which may announce `name`. Only where a listener or webhook wants to hear of it at least once it is a transaction: for
   * what happens all the time and is not in the audit log.
   */
  together<T>(name: AuthEventName, work: () => Promise<T>): Promise<T> {
    return this.worker.wants(name) ? this.database.transaction(work) : work();
  }

  private add(event: AuthEvent, transaction: object): void {
    let events = this.pending.get(transaction);
    if (!events) {
      const all: AuthEvent[] = (events = []);
      this.pending.set(transaction, all);
      this.database.beforeCommit(() => this.log.write(all.map(toLogged)));
      this.database.afterCommit(() => {
        for (const one of all) this.tell(one);
        if (all.some(({ name }) => this.worker.wants(name))) this.worker.wake();
      });
    }
    events.push(event);
  }

  private tell(event: AuthEvent): void {
    for (const listener of this.listeners.get(event.name) ?? []) void this.deliver(listener, event);
  }

  private listen(instance: object): void {
    for (const { event, method, group } of findListeners(instance)) {
      const listener = (instance as Record<string, AnyListener>)[method]!.bind(instance);
      if (group === undefined) this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
      else
        this.worker.consume(
          `listener:${group}:${event}`,
          [event],
          async ({ eventId, payload, createdAt }) => {
            await listener({ ...payload, name: event, id: eventId, at: createdAt } as unknown as AuthEvent);
          },
        );
    }
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

function toLogged(event: AuthEvent): LoggedEvent {
  const { name, id, at, ...payload } = event;
  const fields = payload as { userId?: string | null; sessionId?: string | null; client?: ClientInfo };
  const userId = fields.userId ?? null;
  const actor = currentActor();
  // Of who deletes their own account nothing is to be left.
  const gone = name === 'user_deleted' && actor?.userId === userId;
  const client = gone ? undefined : (fields.client ?? actor?.client);
  const byThemselves = actor && !actor.via && !BY_NOBODY_KNOWN.has(name) ? userId : null;
  const actorId = actor?.userId ?? byThemselves;
  const audit = {
    actorId,
    sessionId: fields.sessionId ?? null,
    ip: client?.ip || null,
    userAgent: client?.userAgent ?? null,
    detail: { ...detailOf(payload), ...(actor?.via && { via: actor.via }) },
    ...addressesOf(payload),
    repeatKey: repeatKeyOf(event, actorId, client),
  };
  return { id, name, at, userId, payload, audit: isAudited(name) ? audit : null };
}

function detailOf(payload: object): object {
  const entries = Object.entries(payload) as [string, unknown][];
  return Object.fromEntries(entries.filter(([key]) => (DETAILS as readonly string[]).includes(key)));
}

/** Only a change of address has two. */
function addressesOf(payload: object): { oldEmail: string | null; newEmail: string | null } {
  const { oldEmail, email } = payload as { oldEmail?: string; email?: string };
  return oldEmail === undefined ? { oldEmail: null, newEmail: null } : { oldEmail, newEmail: email ?? null };
}
