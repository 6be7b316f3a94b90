import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

const CHECK_EVERY_MS = 200;
/** They are between the two ends of one connection (RFC 9110 §7.6.1). */
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade'];

/**
 * A small load balancer: whoever says that it is ready gets requests in turn, over connections that are kept. It is stricter than those
 * in use: nginx, HAProxy and Envoy ask another server when a GET fails before its answer, and after a refused connection also for a
 * POST. This one repeats nothing, so that every request that a server fails is seen.
 */
export class LoadBalancer {
  readonly served = new Map<string, number>();
  private readonly agent = new Agent({ keepAlive: true });
  private readonly ready = new Set<string>();
  private readonly server: Server;
  private timer: NodeJS.Timeout | undefined;
  private turn = 0;

  private constructor(private readonly origins: readonly string[]) {
    this.server = createServer((incoming, outgoing) => this.forward(incoming, outgoing));
  }

  static async start(origins: readonly string[]): Promise<LoadBalancer> {
    const balancer = new LoadBalancer(origins);
    await Promise.all(origins.map((origin) => balancer.check(origin)));
    balancer.timer = setInterval(
      () => origins.forEach((origin) => void balancer.check(origin)),
      CHECK_EVERY_MS,
    );
    await new Promise<void>((resolve) => balancer.server.listen(0, '127.0.0.1', resolve));
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Whether the server behind it gets requests. */
  takes(origin: string): boolean {
    return this.ready.has(origin);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    this.agent.destroy();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async check(origin: string): Promise<void> {
    const signal = AbortSignal.timeout(1000);
    // A connection of its own each time: an old one says nothing of whether new ones are accepted.
    const answer = await fetch(`${origin}/health/ready`, { signal, headers: { connection: 'close' } }).catch(
      () => undefined,
    );
    await answer?.arrayBuffer().catch(() => undefined);
    if (answer?.ok) this.ready.add(origin);
    else this.ready.delete(origin);
  }

  private forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const ready = this.origins.filter((origin) => this.ready.has(origin));
    const origin = ready[(this.turn += 1) % ready.length];
    if (!origin) return void outgoing.writeHead(503).end('no server is ready');
    this.served.set(origin, (this.served.get(origin) ?? 0) + 1);
    const { method, url } = incoming;
    const onward = request(origin + url, { method, agent: this.agent, headers: passedOn(incoming.headers) });
    onward.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode!, passedOn(answer.headers));
      // A server that dies in the middle of its answer takes it along: a stream must not seem to go on.
      pipeline(answer, outgoing, () => undefined);
    });
    onward.on('error', (error: Error & { code?: string }) => {
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(502).end(`${error.code}: ${error.message}`);
    });
    incoming.pipe(onward);
  }
}

function passedOn(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}
