import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Injectable, type INestApplication, type OnModuleDestroy } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Drain, DRAIN_OPTIONS, fastifyOptions } from 'authfort-service';

const DELAY_SECONDS = 1.5;

/** What a request uses, and somebody closes in the first of Nest's hooks. */
@Injectable()
class Pool implements OnModuleDestroy {
  open = true;
  onModuleDestroy(): void {
    this.open = false;
  }
}

let slowBegun: () => void;
let endSlow: () => void;

@Controller()
class ProbeController {
  constructor(
    private readonly drain: Drain,
    private readonly pool: Pool,
  ) {}

  @Get('state')
  state(): object {
    return { draining: this.drain.draining, pool: this.pool.open };
  }

  @Get('slow')
  async slow(): Promise<string> {
    slowBegun();
    await new Promise<void>((resolve) => (endSlow = resolve));
    return 'done';
  }
}

describe.each(['fastify', 'express'] as const)('an app on %s that is asked to stop', (adapter) => {
  let app: INestApplication;
  let port: number;
  let agent: Agent;

  beforeEach(async () => {
    const module = await Test.createTestingModule({
      controllers: [ProbeController],
      providers: [Pool, Drain, { provide: DRAIN_OPTIONS, useValue: { delaySeconds: DELAY_SECONDS } }],
    }).compile();
    app = module.createNestApplication(
      adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(fastifyOptions),
      { logger: false },
    );
    await app.listen(0, '127.0.0.1');
    ({ port } = app.getHttpServer().address() as AddressInfo);
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
  });
  afterEach(async () => {
    agent.destroy();
    await app.close();
  });

  async function ask(path: string, through = agent) {
    const [response] = (await once(get({ port, path, agent: through }), 'response')) as [IncomingMessage];
    const text = (await response.toArray()).join('');
    return { status: response.statusCode, connection: response.headers.connection, text };
  }

  it('serves on for the delay with all it has, and says that connections end', async () => {
    expect(await ask('/state')).toMatchObject({ connection: 'keep-alive' });
    const closing = app.close();
    const startedAt = performance.now();
    // The old connection first, then new ones; the last well before the end, as a laden machine may take long to answer.
    while (performance.now() - startedAt < DELAY_SECONDS * 500) {
      const answer = await ask('/state');
      expect(answer).toMatchObject({ status: 200, connection: 'close' });
      expect(JSON.parse(answer.text)).toEqual({ draining: true, pool: true });
    }
    await closing;
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(DELAY_SECONDS * 1000 - 5);
    await expect(ask('/state')).rejects.toThrow('ECONNREFUSED');
  });

  it('lets a request end that is under way when it stops listening, and does not wait for its connection', async () => {
    const begun = new Promise<void>((resolve) => (slowBegun = resolve));
    const slow = ask('/slow');
    await begun;
    const closing = app.close();
    const others = new Agent();
    await expect(
      (async () => {
        for (;;) await ask('/state', others);
      })(),
    ).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/);
    const endedAt = performance.now();
    endSlow();
    expect(await slow).toMatchObject({ status: 200, text: 'done' });
    await closing;
    expect(performance.now() - endedAt).toBeLessThan(2000);
  });
});
