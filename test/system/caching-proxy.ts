import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A shared cache in front of one URL, which keeps an answer for exactly as long as its `max-age` allows (RFC 9111 §4.2). */
export class CachingProxy {
  /** How often the origin was asked, and how often not. */
  misses = 0;
  hits = 0;
  private cached: { body: string; type: string; until: number } | undefined;
  private fetching: Promise<void> | undefined;

  private constructor(
    private readonly origin: string,
    private readonly server: Server,
  ) {}

  static async start(origin: string): Promise<CachingProxy> {
    const server = createServer((_request, response) => {
      proxy.answer().then(
        ({ body, type }) => response.writeHead(200, { 'content-type': type }).end(body),
        () => response.writeHead(502).end(),
      );
    });
    const proxy: CachingProxy = new CachingProxy(origin, server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${new URL(this.origin).pathname}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(): Promise<{ body: string; type: string }> {
    if (this.cached && performance.now() < this.cached.until) {
      this.hits += 1;
      return this.cached;
    }
    this.fetching ??= this.fetch().finally(() => (this.fetching = undefined));
    await this.fetching;
    return this.cached!;
  }

  private async fetch(): Promise<void> {
    this.misses += 1;
    const response = await fetch(this.origin);
    if (!response.ok) throw new Error(`the origin answered ${response.status}`);
    const [, maxAge = '0'] = /max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '') ?? [];
    const body = await response.text();
    const until = performance.now() + Number(maxAge) * 1000;
    this.cached = { body, type: response.headers.get('content-type') ?? '', until };
  }
}
