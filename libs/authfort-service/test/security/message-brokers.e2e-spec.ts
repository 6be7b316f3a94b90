import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Public, Roles } from 'authfort-service';
import { createTestIssuer, type TestIssuer } from 'authfort-service/testing';
import { handled, hybrid, microservice, tokenMissing } from '../message-app.js';

const queue = `authfort-test-${randomUUID()}`;
const BROKERS: [string, number, MicroserviceOptions][] = [
  ['Redis', 6379, { transport: Transport.REDIS, options: { host: '127.0.0.1', port: 6379 } }],
  ['NATS', 4222, { transport: Transport.NATS, options: { servers: ['nats://127.0.0.1:4222'] } }],
  [
    'RabbitMQ',
    5672,
    {
      transport: Transport.RMQ,
      options: {
        urls: ['amqp://guest:guest@127.0.0.1:5672'],
        queue,
        queueOptions: { autoDelete: true, durable: false },
      },
    },
  ],
  ['MQTT', 1883, { transport: Transport.MQTT, options: { url: 'mqtt://127.0.0.1:1883' } }],
];

// Other users of the broker share its topics.
const own = randomUUID().slice(0, 8);
const [REFUND, OPEN, FAIL, CANCELLED, SEEN] = ['refund', 'open', 'fail', 'cancelled', 'seen'].map(
  (name) => `authfort-${own}-${name}`,
) as [string, string, string, string, string];

@Controller()
class BrokerMessages {
  @MessagePattern(REFUND)
  @Roles('admin')
  refund(): string {
    handled.push('refund');
    return 'refunded';
  }
  @MessagePattern(OPEN)
  @Public()
  open(): string {
    return 'open';
  }
  @MessagePattern(FAIL)
  @Public()
  fail(): never {
    throw new Error('secret-cause');
  }
  @EventPattern(CANCELLED)
  cancelled(_data: unknown): void {
    handled.push('cancelled');
  }
  @EventPattern(SEEN)
  @Public()
  seen(_data: unknown): void {
    handled.push('seen');
  }
}

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** Runs where services are asked for, as they are with `REDIS_URL`. */
(process.env.REDIS_URL ? describe : describe.skip)('attack: messages without a token, by a broker', () => {
  let issuer: TestIssuer;
  beforeAll(async () => {
    issuer = await createTestIssuer();
  });
  afterAll(() => issuer.stop());

  it.each(BROKERS)(
    '%s: refuses the message, answers the caller, and handles the next one',
    async (name, port, transport) => {
      if (!(await listens(port))) return console.warn(`${name} is not running: not tested`);
      handled.length = 0;
      for (const start of [hybrid, microservice]) {
        const talk = await start(issuer, transport, { controllers: [BrokerMessages] });
        expect(await talk.send(OPEN)).toBe('open');
        expect(await talk.refusal(REFUND, { user: { roles: ['admin'] } })).toEqual(tokenMissing);
        expect(await talk.refusal(FAIL)).toEqual({ status: 'error', message: 'Internal server error' });
        talk.client.emit(CANCELLED, {});
        talk.client.emit(SEEN, {});
        expect(await talk.send(OPEN)).toBe('open');
        await talk.close();
      }
      expect(handled).toEqual(['seen', 'seen']);
    },
  );
});
