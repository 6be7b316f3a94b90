import { createConnection, type Socket } from 'node:net';
import { type Answer, readAnswer } from './http-answer.js';
import { Latencies } from './latencies.js';

/** What is sent, and to whom. */
export interface LoadOptions {
  /** Base URL of the server, `http:` only. */
  readonly url: string;
  /** Each has one request under way. Default 32. */
  readonly connections?: number;
  /** The whole text of a request, see {@link requestText}, or what makes the next one of a connection. */
  readonly request: string | ((connection: number) => string);
  /** Called with each answer; the body as Latin-1. Without it bodies are only measured. */
  readonly onAnswer?: (connection: number, status: number, body: string) => void;
}

/** What came of one run. */
export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  /** Median and 99th percentile of the latency, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Connections that were lost with a request under way; they are made anew. */
  readonly lost: number;
}

/** The text of an HTTP/1.1 request over a connection that stays open. */
export function requestText(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): string {
  const all: Record<string, string> = { host: 'bench.test', ...headers };
  if (body !== undefined) all['content-length'] = String(Buffer.byteLength(body));
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

const READ_BYTES = 65_536;

/** One run: what its connections count. */
class Tally {
  readonly latencies = new Latencies();
  readonly statuses = new Map<number, number>();
  requests = 0;
  lost = 0;
  /** Connections that have a request under way. */
  busy = 0;
  private done!: () => void;
  readonly finished = new Promise<void>((resolve) => (this.done = resolve));

  constructor(readonly until: number) {}

  count(status: number, milliseconds: number): void {
    this.requests += 1;
    this.latencies.add(milliseconds);
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
  }

  leave(): void {
    this.busy -= 1;
    if (this.busy === 0) this.done();
  }
}

class Connection {
  private socket: Socket | undefined;
  private tally: Tally | undefined;
  private rest = '';
  private sentAt = 0;

  constructor(
    private readonly number: number,
    private readonly target: { readonly host: string; readonly port: number },
    private readonly options: LoadOptions,
  ) {}

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      // One buffer for all reads, past the stream's own machinery: the generator must be quicker than the server.
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      const callback = (bytes: number): boolean => {
        this.read(buffer.toString('latin1', 0, bytes));
        return true;
      };
      const socket = createConnection({ ...this.target, noDelay: true, onread: { buffer, callback } });
      socket.once('connect', resolve).once('error', reject);
      socket.on('error', () => undefined).once('close', () => this.lose());
      this.socket = socket;
    });
  }

  join(tally: Tally): void {
    this.tally = tally;
    tally.busy += 1;
    this.send();
  }

  close(): void {
    this.tally = undefined;
    this.socket?.removeAllListeners('close').destroy();
  }

  private send(): void {
    const { request } = this.options;
    this.sentAt = performance.now();
    this.socket!.write(typeof request === 'string' ? request : request(this.number), 'latin1');
  }

  private read(text: string): void {
    this.rest = this.rest === '' ? text : this.rest + text;
    const answer = readAnswer(this.rest, 0);
    if (answer) this.take(answer);
  }

  private take({ status, bodyAt, end }: Answer): void {
    const { tally } = this;
    if (!tally) throw new Error('an answer to nothing');
    const now = performance.now();
    tally.count(status, now - this.sentAt);
    this.options.onAnswer?.(this.number, status, this.rest.slice(bodyAt, end));
    this.rest = this.rest.slice(end);
    if (now < tally.until) return this.send();
    this.tally = undefined;
    tally.leave();
  }

  private lose(): void {
    const { tally } = this;
    this.rest = '';
    if (tally) tally.lost += 1;
    const goOn = () => {
      if (!tally) return;
      if (performance.now() < tally.until) return this.send();
      this.tally = undefined;
      tally.leave();
    };
    // A server that is away is asked again, not in a tight loop.
    this.open().then(goOn, () => setTimeout(goOn, 10));
  }
}

/** Connections to a server, which stay open from one run to the next. */
export class HttpLoad {
  private constructor(private readonly connections: readonly Connection[]) {}

  /** @throws Error when the server does not listen */
  static async open(options: LoadOptions): Promise<HttpLoad> {
    const { hostname, port } = new URL(options.url);
    const target = { host: hostname, port: Number(port) };
    const numbers = Array.from({ length: options.connections ?? 32 }, (_, number) => number);
    const connections = numbers.map((number) => new Connection(number, target, options));
    await Promise.all(connections.map((connection) => connection.open()));
    return new HttpLoad(connections);
  }

  /** Sends for that long, each connection as fast as it is answered, and waits for the last answers. */
  async run(milliseconds: number): Promise<LoadResult> {
    const start = performance.now();
    const tally = new Tally(start + milliseconds);
    for (const connection of this.connections) connection.join(tally);
    await tally.finished;
    const [p50, p99] = tally.latencies.percentiles([0.5, 0.99]);
    const { requests, lost, statuses } = tally;
    const perSecond = (requests * 1000) / (performance.now() - start);
    return { requests, perSecond, p50, p99, byStatus: Object.fromEntries(statuses), lost };
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }
}
