import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';

/** Answers in place of a server. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** One request that has passed the edge. */
export interface Passed {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly cookie: string;
  readonly site: string;
  status: number;
}

/**
 * What stands before the servers in production: it ends TLS and sends each host name's requests to its server. It also notes them, and
 * can lose answers.
 */
export class Edge {
  readonly passed: Passed[] = [];
  /** Says whether an answer gets lost, after the server has given it. */
  loses: (request: Passed) => boolean = () => false;
  /** Holds an answer back until it resolves. */
  holds: (request: Passed) => Promise<void> = () => Promise.resolve();

  private constructor(
    private readonly server: Server,
    private readonly hosts: ReadonlyMap<string, Handler | number>,
  ) {
    server.on('request', (request, response) => this.pass(request, response));
  }

  /** @param hosts host name, or one with a path → port of its server, or what answers in its place */
  static async start(hosts: ReadonlyMap<string, Handler | number>): Promise<Edge> {
    const names = [...hosts.keys()].filter((name) => !name.includes('/'));
    const { private: key, cert } = await generate([{ name: 'commonName', value: names[0]! }], {
      extensions: [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) }],
    });
    const server = createServer({ key, cert });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Edge(server, hosts);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The requests of one kind that came after the last {@link forget}. */
  count(method: string, path: string): number {
    return this.passed.filter((one) => one.method === method && one.path === path).length;
  }

  forget(): void {
    this.passed.length = 0;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    const host = headers.host ?? '';
    const passed: Passed = {
      host,
      method,
      path: url.split('?')[0]!,
      cookie: headers.cookie ?? '',
      site: String(headers['sec-fetch-site'] ?? ''),
      status: 0,
    };
    this.passed.push(passed);
    const target = this.hosts.get(host + passed.path) ?? this.hosts.get(host);
    if (typeof target === 'function') return target(request, response);
    if (target === undefined) return void response.writeHead(502).end();
    const onward = forward({ port: target, host: '127.0.0.1', method, path: url, headers }, (answer) => {
      passed.status = answer.statusCode ?? 0;
      if (this.loses(passed)) {
        answer.resume();
        request.socket.destroy();
        return;
      }
      void this.holds(passed).then(() => {
        response.writeHead(passed.status, answer.rawHeaders);
        answer.pipe(response);
      });
    });
    onward.on('error', () => response.headersSent || response.writeHead(502).end('<html>Bad gateway</html>'));
    request.pipe(onward);
  }
}
