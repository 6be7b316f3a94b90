import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { INTROSPECT_SECRET } from './harness.js';

/** An event of the feed as it came. */
export interface FeedEvent {
  readonly id: string | undefined;
  readonly event: string;
  // Looked into freely; the assertions are the types.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly data: any;
}

/** Reads `GET /revocations/stream` of a server, as plainly as can be. */
export class FeedReader {
  readonly events: FeedEvent[] = [];
  /** Where the stream says to go on from. */
  cursor: string | undefined;
  private waiting: (() => void)[] = [];
  private finished = false;

  private constructor(private readonly response: IncomingMessage) {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        this.take(text.slice(0, end));
        text = text.slice(end + 2);
      }
    });
    response
      .on('error', () => undefined)
      .on('close', () => {
        this.finished = true;
        this.tell();
      });
  }

  /** On a connection of its own. */
  static async open(url: string, cursor?: string): Promise<FeedReader> {
    const headers = {
      authorization: `Bearer ${INTROSPECT_SECRET}`,
      ...(cursor !== undefined && { 'last-event-id': cursor }),
    };
    const request = get(`${url}/revocations/stream`, { agent: false, headers });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return new FeedReader(response);
  }

  get status(): number | undefined {
    return this.response.statusCode;
  }

  get headers(): IncomingMessage['headers'] {
    return this.response.headers;
  }

  /** Every entry that has come. */
  get revocations(): Record<string, unknown>[] {
    return this.events.flatMap(({ event, data }) => (event === 'revocations' ? data : []));
  }

  /** Resolves when `condition` holds for what has come; rejects when the stream ends before. */
  async until(condition: (reader: this) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.finished) throw new Error(`the stream ended: ${JSON.stringify(this.events)}`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** Resolves when the server ends the stream. */
  async ended(): Promise<void> {
    while (!this.finished) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  close(): void {
    this.response.destroy();
  }

  private take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s) as [string, string]));
    if (!fields.has('event')) return;
    const id = fields.get('id');
    this.cursor = id ?? this.cursor;
    this.events.push({ id, event: fields.get('event')!, data: JSON.parse(fields.get('data')!) as unknown });
    this.tell();
  }

  private tell(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
