import { z } from 'zod';
import { bearerHeader } from '../http/bearer-header.js';
import { bodyOf, textOf } from '../http/body-of.js';
import { EventStreamParser, type StreamEvent } from './event-stream.parser.js';
import { FeedError } from './feed.error.js';
import { type ReadRevocations, readRevocations } from './revocation.js';

/** What the feed told at one time. */
export interface FeedMessage extends ReadRevocations {
  /** Where to go on from after this; undefined: from where one was. */
  readonly cursor: string | undefined;
  /** Everything that was revoked before now has been told. */
  readonly upToDate: boolean;
}

/** Of an event or an answer, in characters: some 40 000 entries. */
const MAX_LENGTH = 4 * 1024 * 1024;
const cursorSchema = z.string().regex(/^[\x20-\x7e]{1,100}$/);
const answerSchema = z.object({ cursor: cursorSchema, more: z.boolean(), revocations: z.unknown() });

/** The feed of an auth server, over HTTP. */
export class RevocationFeedSource {
  /** What the server asks to wait for before the next connection, in milliseconds. */
  retryMs: number | undefined;

  constructor(
    private readonly url: string,
    private readonly secret: string,
  ) {}

  /**
   * Follows the feed as it happens, until the server ends it.
   * @param cursor where to go on from; without it the server tells everything that matters
   * @throws FeedError, or whatever the network throws
   */
  async *stream(cursor: string | undefined, signal: AbortSignal): AsyncGenerator<FeedMessage> {
    const url = new URL(this.url);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/stream`;
    const response = await this.ask(url, signal, {
      accept: 'text/event-stream',
      // What is compressed on the way is held back until there is enough of it.
      'accept-encoding': 'identity',
      ...(cursor !== undefined && { 'last-event-id': cursor }),
    });
    if (!/^text\/event-stream\b/i.test(response.headers.get('content-type') ?? ''))
      throw new FeedError('unusable', 'the answer is no event stream');
    const parser = new EventStreamParser(MAX_LENGTH);
    for await (const chunk of bodyOf(response, signal)) {
      const events = understand(() => parser.push(chunk));
      this.retryMs = parser.retryMs ?? this.retryMs;
      for (const event of events) {
        const message = readEvent(event);
        if (message) yield message;
      }
    }
  }

  /**
   * Asks once what is new.
   * @throws FeedError, or whatever the network throws
   */
  async poll(cursor: string | undefined, signal: AbortSignal): Promise<FeedMessage> {
    const url = new URL(this.url);
    if (cursor !== undefined) url.searchParams.set('since', cursor);
    // An answer from a cache would look like news.
    const response = await this.ask(url, signal, { accept: 'application/json', 'cache-control': 'no-cache' });
    const tooLarge = () => new FeedError('nonsense', 'the answer is too large');
    const text = await textOf(response, signal, MAX_LENGTH, tooLarge);
    const answer = answerSchema.safeParse(parseJson(text)).data;
    const read = answer && readRevocations(answer.revocations);
    if (!read) throw new FeedError('nonsense', 'the answer is no list of revocations');
    if (answer.more && answer.cursor === cursor) throw new FeedError('nonsense', 'the answer leads nowhere');
    return { ...read, cursor: answer.cursor, upToDate: !answer.more };
  }

  private async ask(url: URL, signal: AbortSignal, headers: Record<string, string>): Promise<Response> {
    const response = await fetch(url, {
      // A redirect would carry the secret to another place.
      redirect: 'error',
      headers: { ...headers, authorization: bearerHeader(this.secret) },
      signal,
    });
    if (response.status === 200) return response;
    if (response.status === 401)
      throw new FeedError('refused', 'the auth server refuses the secret: is it the same on both sides?');
    if (response.status === 404)
      throw new FeedError('refused', 'there is no feed: has the auth server an introspectSecret?');
    // The auth server counts wrong secrets by address: it is no use to ask more often.
    const kind = response.status === 403 || response.status === 429 ? 'refused' : 'unusable';
    throw new FeedError(kind, `the answer was ${response.status}`);
  }
}

function readEvent({ event, data, lastEventId }: StreamEvent): FeedMessage | undefined {
  if (event !== 'revocations' && event !== 'alive') return undefined;
  const cursor = lastEventId === '' ? undefined : lastEventId;
  if (cursor !== undefined && !cursorSchema.safeParse(cursor).success)
    throw new FeedError('nonsense', 'an event has an id that is none');
  if (event === 'alive') return { revocations: [], malformed: 0, cursor, upToDate: true };
  const read = readRevocations(parseJson(data));
  if (!read) throw new FeedError('nonsense', 'an event is no list of revocations');
  return { ...read, cursor, upToDate: false };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FeedError('nonsense', 'the answer is no JSON', { cause });
  }
}

function understand<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new FeedError('nonsense', 'an event is too large', { cause });
  }
}
