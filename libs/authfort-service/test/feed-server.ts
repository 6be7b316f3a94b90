import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A request as the server saw it. */
export interface Asked {
  way: 'stream' | 'polling';
  cursor: string | undefined;
  authorization: string | undefined;
}

/** Plays the feed of an auth server, and whatever may stand in its place. */
export class FeedServer {
  readonly asked: Asked[] = [];
  /** How many requests are being answered. */
  open = 0;
  /** What answers a stream, and a poll. */
  onStream: Handler = () => undefined;
  onPoll: Handler = (_, response) => void response.writeHead(500).end();
  private server!: Server;
  private port = 0;

  static async start(): Promise<FeedServer> {
    const server = new FeedServer();
    await server.listen();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/revocations`;
  }

  of(way: Asked['way']): Asked[] {
    return this.asked.filter((asked) => asked.way === way);
  }

  async listen(): Promise<void> {
    this.server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://feed');
      const way = pathname === '/revocations/stream' ? 'stream' : 'polling';
      const header = request.headers['last-event-id'] as string | undefined;
      const cursor = way === 'stream' ? header : (searchParams.get('since') ?? undefined);
      this.open += 1;
      response.on('close', () => (this.open -= 1));
      this.asked.push({ way, cursor, authorization: request.headers.authorization });
      (way === 'stream' ? this.onStream : this.onPoll)(request, response);
    });
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** An entry that matters from now on. */
export function entry<T extends object>(what: T): T & { at: number; exp: number } {
  const at = Math.floor(Date.now() / 1000);
  return { ...what, at, exp: at + 960 };
}

/** An event as it is written; without an id when there is none. */
export function event(name: string, data: unknown, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A stream that begins with this text and stays open. */
export function streaming(text: string): Handler {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text);
  };
}

/** A stream of this text that is then cut. */
export function cut(text: string): Handler {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text, () => response.destroy());
  };
}

export function answering(status: number, body: unknown, headers: Record<string, string> = {}): Handler {
  return (_, response) =>
    void response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** One after the other; the last one stays. */
export function inTurn(...handlers: Handler[]): Handler {
  return (request, response) => (handlers.length > 1 ? handlers.shift()! : handlers[0]!)(request, response);
}

/** Waits until something is so. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  withinMs = 5000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
