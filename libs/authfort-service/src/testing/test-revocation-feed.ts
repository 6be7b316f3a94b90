import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a test revokes: a session, a user's tokens of a lower version, or a key. */
export type TestRevocation =
  | { readonly sid: string }
  | {
      readonly sub: string;
      readonly ver: number;
      /** A session whose tokens stay valid from this `ver` on. */
      readonly except?: { readonly sid: string; readonly ver: number };
    }
  | { readonly kid: string };

/** How long an access token and the difference of the clocks may last. */
const MATTERS_SECONDS = 960;
const ALIVE_MS = 1000;

/** The revocation feed of an AuthFort server, served from memory. A cursor is the number of entries before it. */
export class TestRevocationFeed {
  private readonly entries: (TestRevocation & { at: number; exp: number })[] = [];
  private readonly streams = new Map<ServerResponse, number>();

  add(revocation: TestRevocation): void {
    const at = Math.floor(Date.now() / 1000);
    this.entries.push({ ...revocation, at, exp: at + MATTERS_SECONDS });
    for (const response of this.streams.keys()) this.tell(response);
  }

  /** Whether a token with these claims was revoked. */
  ended({ sid, sub, ver }: { sid?: unknown; sub?: unknown; ver?: unknown }): boolean {
    return this.entries.some(
      (entry) =>
        ('sid' in entry && entry.sid === sid) ||
        ('sub' in entry &&
          entry.sub === sub &&
          Number(ver) < entry.ver &&
          !(entry.except?.sid === sid && Number(ver) >= entry.except!.ver)),
    );
  }

  /** Answers one `GET`. */
  list(request: IncomingMessage, response: ServerResponse): void {
    const body = {
      ...this.cursor(),
      more: false,
      revocations: this.entries.slice(positionOf(request, this.entries.length)),
    };
    response
      .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(JSON.stringify(body));
  }

  /** Answers with server-sent events until the client leaves or the server stops. */
  stream(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write('retry: 200\n\n');
    this.streams.set(response, positionOf(request, this.entries.length));
    this.tell(response);
    const alive = setInterval(() => this.tell(response), ALIVE_MS).unref();
    response.on('close', () => {
      clearInterval(alive);
      this.streams.delete(response);
    });
  }

  private tell(response: ServerResponse): void {
    const news = this.entries.slice(this.streams.get(response));
    this.streams.set(response, this.entries.length);
    const id = `id: ${this.cursor().cursor}\n`;
    if (news.length > 0) response.write(`${id}event: revocations\ndata: ${JSON.stringify(news)}\n\n`);
    response.write(`${id}event: alive\ndata: {}\n\n`);
  }

  private cursor(): { cursor: string } {
    return { cursor: `t${this.entries.length}` };
  }
}

/** Where to begin; with a cursor that is not known, at the beginning. */
function positionOf({ headers, url }: IncomingMessage, known: number): number {
  const cursor =
    headers['last-event-id'] ?? new URL(url ?? '/', 'http://test').searchParams.get('since') ?? '';
  const position = /^t(\d{1,9})$/.exec(String(cursor))?.[1];
  return position !== undefined && Number(position) <= known ? Number(position) : 0;
}
