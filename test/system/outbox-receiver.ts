import { createServer, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import { Webhook } from 'standardwebhooks';

/** An event that came by webhook, with the id of its delivery. */
export interface Received {
  readonly id: string;
  readonly type: string;
  readonly data: { user_id?: string; session_id?: string; repeated?: boolean };
}

/** Takes what the outbox delivers, and refuses some of it. */
export class OutboxReceiver {
  /** Of all webhook calls that were taken; the repeats are counted. */
  readonly events = new Map<string, Received>();
  /** User → ids of the `user_created` that the durable listener had. */
  readonly listened = new Map<string, Set<string>>();
  calls = 0;
  refused = 0;
  repeats = 0;
  /** The share of calls that is answered 503. */
  refusing = 0;
  private readonly server: Server;

  private constructor(private readonly webhook: Webhook) {
    this.server = createServer((request, response) => {
      void this.take(request).then((status) => response.writeHead(status).end());
    });
  }

  static async start(secret: string): Promise<OutboxReceiver> {
    const receiver = new OutboxReceiver(new Webhook(secret));
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async take(request: IncomingMessage): Promise<number> {
    let body = '';
    try {
      for await (const chunk of request) body += String(chunk);
    } catch {
      // The sender was killed in the middle of it.
      return 400;
    }
    this.calls += 1;
    if (Math.random() < this.refusing) {
      this.refused += 1;
      return 503;
    }
    if (request.url === '/listener') this.hear(JSON.parse(body) as { id: string; userId: string });
    else this.keep(body, request.headers as Record<string, string>);
    return 200;
  }

  private hear({ id, userId }: { id: string; userId: string }): void {
    this.listened.set(userId, (this.listened.get(userId) ?? new Set()).add(id));
  }

  private keep(body: string, headers: Record<string, string>): void {
    // The sender's clock is ahead, so its time is not compared with ours.
    const id = headers['webhook-id']!;
    const sentAt = new Date(Number(headers['webhook-timestamp']) * 1000);
    if (this.webhook.sign(id, sentAt, body) !== headers['webhook-signature'])
      throw new Error('a webhook with a wrong signature');
    if (this.events.has(id)) this.repeats += 1;
    this.events.set(id, { id, ...(JSON.parse(body) as Omit<Received, 'id'>) });
  }
}
