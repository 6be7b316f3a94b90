import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type HttpServer, Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** DI token of {@link DrainOptions}. */
export const DRAIN_OPTIONS = Symbol('DRAIN_OPTIONS');

/** How an app ends that others are still calling. */
export interface DrainOptions {
  /** How long it goes on serving after it was asked to stop, in seconds. */
  readonly delaySeconds: number;
}

/** How long requests that are under way may take to end, once nobody can connect any more. */
const PATIENCE_MS = 10_000;
const SWEEP_EVERY_MS = 100;
/** A terminal and the process that was started from it both pass Ctrl-C on: within this time it is one wish, not two. */
const ONE_WISH_MS = 500;
const SIGNALS = { SIGTERM: 15, SIGINT: 2 } as const;

/**
 * Lets an app end without a failing request. From the moment it is asked to stop (`SIGTERM`, `app.close()`):
 *
 * 1. {@link draining} is true, so that the readiness probe says 503; the app goes on serving for the delay, in which a load balancer
 *    takes it out. Every answer carries `Connection: close`, so that no client waits with its next request on an old connection.
 * 2. It stops listening. Requests under way end, and their connections are closed with them; after 10 s the rest is cut off.
 *
 * All of that comes before any other shutdown hook of the app: what they close is in use until then. A second `SIGTERM` or `SIGINT`
 * ends the process at once.
 */
@Injectable()
export class Drain implements OnModuleInit {
  private readonly logger = new Logger(Drain.name);
  private begun = false;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    @Inject(DRAIN_OPTIONS) private readonly options: DrainOptions,
  ) {}

  /** Whether the app has been asked to stop. */
  get draining(): boolean {
    return this.begun;
  }

  /** Nest awaits `beforeClose` of the adapter before it calls the first hook; the hooks would come too late for what other modules close. */
  onModuleInit(): void {
    const adapter: HttpServer | undefined = this.adapterHost.httpAdapter;
    // Without an HTTP server (an application context) there is nothing to drain.
    if (!adapter) return;
    const beforeClose = adapter.beforeClose?.bind(adapter) as (() => unknown) | undefined;
    adapter.beforeClose = async () => {
      if (this.adapterHost.listening) await this.drain(adapter.getHttpServer() as Server);
      await beforeClose?.();
    };
  }

  private async drain(server: Server): Promise<void> {
    this.begun = true;
    endAtASecondSignal(server);
    server.prependListener('request', askToLeave);
    const { delaySeconds } = this.options;
    if (delaySeconds > 0) {
      this.logger.log(`Asked to stop: serving for ${delaySeconds} s more, no longer ready`);
      await new Promise((resolve) => setTimeout(resolve, delaySeconds * 1000));
    }
    closeBehindTheLastRequests(server);
  }
}

/** RFC 9112 §9.6: the client sends nothing more on this connection. HTTP/2 has no such header (RFC 9113 §8.2.2). */
function askToLeave({ httpVersionMajor }: IncomingMessage, response: ServerResponse): void {
  if (httpVersionMajor < 2) response.setHeader('Connection', 'close');
}

/**
 * `server.close()` waits for connections that were busy when it was called until they time out, long after their answer: Fastify's
 * time is 72 s. So whoever has become idle is closed, and at last whoever has not.
 */
function closeBehindTheLastRequests(server: Server): void {
  let closedSince: number | undefined;
  const sweep = setInterval(() => {
    // Until it stops listening, an idle connection may bring a request at any moment.
    if (server.listening) return;
    closedSince ??= performance.now();
    server.closeIdleConnections?.();
    if (performance.now() - closedSince > PATIENCE_MS) server.closeAllConnections?.();
  }, SWEEP_EVERY_MS).unref();
  server.once('close', () => clearInterval(sweep));
}

/** Nest's own listeners ignore it. */
function endAtASecondSignal(server: Server): void {
  const first = performance.now();
  const handlers = Object.entries(SIGNALS).map(([signal, number]) => {
    // 128 + number is how a shell shows that a signal ended a process.
    const end = () => setTimeout(() => process.exit(128 + number), ONE_WISH_MS - (performance.now() - first));
    process.on(signal, end);
    return () => process.off(signal, end);
  });
  server.once('close', () => handlers.forEach((remove) => remove()));
}
