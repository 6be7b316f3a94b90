import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type INestApplicationContext, Injectable, type Provider } from '@nestjs/common';
import { type AuthEvent, AuthFort, AuthFortModule, OnAuthEvent } from 'authfort';
import { ManualClock, settleOutbox } from 'authfort/testing';
import { NestFactory } from '@nestjs/core';
import { OutboxWorker } from '../../src/events/outbox.worker.js';
import { connectionTo, startServer, type TestServer } from '../harness.js';

interface Heard {
  by: string;
  event: AuthEvent;
}
const heard: Heard[] = [];
/** How often the next calls fail, by group. */
const failures: Record<string, number> = {};

function note(by: string, event: AuthEvent): void {
  heard.push({ by, event });
  if ((failures[by] ?? 0) <= 0) return;
  failures[by]! -= 1;
  throw new Error(`${by} does not feel like it`);
}

/** A listener class as an app would write it; `replica` tells the two servers apart. */
function listeners(replica: string): Provider {
  @Injectable()
  class Shop {
    @OnAuthEvent('user_created', { durable: true, group: 'crm' })
    crm(event: AuthEvent<'user_created'>): Promise<void> {
      return Promise.resolve(note('crm', { ...event, replica } as never));
    }
    @OnAuthEvent('user_created', { durable: true })
    ledger(event: AuthEvent<'user_created'>): void {
      note('ledger', event);
    }
    @OnAuthEvent('role_added', { durable: true, group: 'roles' })
    role(event: AuthEvent<'role_added'>): void {
      note('roles', event);
    }
    @OnAuthEvent('token_refreshed', { durable: true, group: 'refreshes' })
    refreshed(event: AuthEvent<'token_refreshed'>): void {
      note('refreshes', event);
    }
  }
  return Shop;
}

describe('durable events', () => {
  const clock = new ManualClock();
  let server: TestServer;
  let other: TestServer;
  let command: INestApplicationContext | undefined;
  beforeAll(async () => {
    server = await startServer({ clock, providers: [listeners('first')] });
    other = await startServer({ replicaOf: server, providers: [listeners('second')] });
    for (const one of [server, other]) one.app.useLogger(false);
  });
  beforeEach(async () => {
    await settle();
    heard.length = 0;
  });
  afterAll(async () => {
    await server?.close();
    await command?.close();
    await other?.close();
  });

  const settle = async () => {
    await Promise.all([settleOutbox(server.app), settleOutbox(other.app)]);
    // What one replica has been woken for, the other may have taken.
    await Promise.all([settleOutbox(server.app), settleOutbox(other.app)]);
  };
  const by = (group: string) => heard.filter((one) => one.by === group).map(({ event }) => event);

  it('reach each group once, with two replicas on one database, and tell what happened', async () => {
    const users = await Promise.all(
      Array.from({ length: 8 }, (_, n) => (n % 2 ? server : other).signUp(`user-${n}@example.com`)),
    );
    await settle();
    for (const group of ['crm', 'ledger'])
      expect(
        by(group)
          .map((event) => (event as AuthEvent<'user_created'>).userId)
          .sort(),
      ).toEqual(users.map(({ id }) => id).sort());
    expect(by('ledger')[0]).toEqual({
      name: 'user_created',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      at: clock.now(),
      userId: expect.any(String),
      email: expect.stringMatching(/^user-\d@/),
      userName: null,
      provider: 'email',
    });
    const ids = new Set(by('crm').map(({ id }) => id));
    expect(ids.size).toBe(8);
    expect(new Set(by('ledger').map(({ id }) => id))).toEqual(ids);
  });
  it('come again after a failure, with the same id, to the group that failed only', async () => {
    failures.crm = 2;
    await server.signUp();
    await settle();
    expect([by('crm').length, by('ledger').length]).toEqual([1, 1]);
    clock.advance(5);
    await settle();
    clock.advance(30);
    await settle();
    clock.advance(100_000);
    await settle();
    expect([by('crm').length, by('ledger').length]).toEqual([3, 1]);
    expect(new Set(heard.map(({ event }) => event.id)).size).toBe(1);
  });
  it('come at once when an administrator has them repeated', async () => {
    const user = await server.signUp();
    await settle();
    const [{ id }] = await server.dataSource.query(
      `INSERT INTO authfort_outbox (id, event_id, event, consumer, payload, created_at, due_at, dead_at, attempts)
       SELECT gen_random_uuid(), gen_random_uuid(), 'user_created', 'listener:crm:user_created',
         jsonb_build_object('userId', $1::text), $2, $2, $2, 8 RETURNING id`,
      [user.id, clock.now()],
    );
    const wake = jest.spyOn(server.app.get(OutboxWorker), 'wake');
    await server.authfort.retryDeadLetter(id);
    expect(wake).toHaveBeenCalled();
    await settle();
    expect(by('crm')).toHaveLength(2);
  });
  it('do not come of what was rolled back', async () => {
    const user = await server.signUp('twice@example.com');
    await settle();
    heard.length = 0;
    expect(
      (await server.post('/auth/signup', { email: user.email, password: 'another password' })).status,
    ).toBe(409);
    await settle();
    expect(heard).toEqual([]);
  });
  it('come of what is not in the audit log, too', async () => {
    const user = await server.signUp();
    await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    await settle();
    expect(by('refreshes')).toEqual([
      expect.objectContaining({ name: 'token_refreshed', userId: user.id, repeated: false }),
    ]);
  });
  it('tell a running server what a command has done', async () => {
    const user = await server.signUp();
    @Injectable()
    class Command {}
    command = await NestFactory.createApplicationContext(
      {
        module: Command,
        imports: [connectionTo(server.database, server), AuthFortModule.forTasks({ rateLimit: false })],
      },
      { logger: false },
    );
    await command.get(AuthFort).addRole(user.id, 'editor');
    expect(by('roles')).toEqual([]);
    // The command has the time of this machine.
    clock.set(new Date(Date.now() + 1000));
    await settle();
    expect(by('roles')).toEqual([expect.objectContaining({ userId: user.id, role: 'editor' })]);
  });
});
