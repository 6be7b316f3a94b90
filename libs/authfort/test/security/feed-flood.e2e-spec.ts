import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { FeedReader } from '../feed-reader.js';
import { adapters, INTROSPECT_SECRET, startServer, type TestServer } from '../harness.js';

/** The full size: STREAMS=200 REVOCATIONS=30000. */
const STREAMS = Number(process.env.STREAMS ?? 10);
const REVOCATIONS = Number(process.env.REVOCATIONS ?? 3000);

describe.each(adapters)('attack: a flood of the feed of revocations, on %s', (adapter) => {
  let server: TestServer;
  const sockets: Socket[] = [];
  const readers: FeedReader[] = [];
  const warnings: string[] = [];
  const warned = ({ message }: Error) => void warnings.push(message);
  beforeAll(async () => {
    process.on('warning', warned);
    server = await startServer({ adapter, options: { maxRevocationStreams: STREAMS + 2 } });
  });
  afterEach(() => {
    sockets.splice(0).forEach((socket) => socket.destroy());
    readers.splice(0).forEach((reader) => reader.close());
  });
  afterAll(async () => {
    await server.close();
    process.off('warning', warned);
  });

  /** A client that asks for the stream and never reads the answer. */
  async function openUnread(): Promise<void> {
    const { port } = new URL(server.url);
    const socket = connect(Number(port), '127.0.0.1')
      .pause()
      .on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    socket.write(
      `GET /revocations/stream HTTP/1.1\r\nHost: auth\r\nAuthorization: Bearer ${INTROSPECT_SECRET}\r\n\r\n`,
    );
  }
  async function read(): Promise<FeedReader> {
    const reader = await FeedReader.open(server.url);
    readers.push(reader);
    return reader;
  }
  const insert = (count: number) =>
    server.app.get(Database).query(
      `INSERT INTO authfort_revocations (transaction_id, session_id, revoked_at, expires_at)
       SELECT pg_current_xact_id()::text::bigint, gen_random_uuid(), $1, $1::timestamptz + interval '15 minutes'
       FROM generate_series(1, $2)`,
      [server.clock.now(), count],
    );
  const alive = ({ events }: FeedReader) => events.some(({ event }) => event === 'alive');
  const megabytes = () => Math.round(process.memoryUsage().rss / 2 ** 20);

  it('reaches a reader while others do not read, and costs little memory', async () => {
    const user = await server.signUp();
    const reader = await read();
    await reader.until(alive);
    for (let n = 0; n < STREAMS; n += 1) await openUnread();
    const before = megabytes();
    await insert(REVOCATIONS);
    await reader.until(({ revocations }) => revocations.length >= REVOCATIONS);
    const after = megabytes();
    await server.post('/auth/logout', { refresh_token: user.refreshToken });
    const loggedOutAt = performance.now();
    await reader.until(({ revocations }) => revocations.some(({ sid }) => sid === user.sessionId));
    expect(performance.now() - loggedOutAt).toBeLessThan(1000);
    // Each reader's share of the entries, as text and as objects, was 2.5 MB for 30 000.
    expect(after - before).toBeLessThan(150);
    if (process.env.STREAMS) console.log(`RSS ${before} MB before, ${after} MB after`);
    // In one transaction; each frame is bounded.
    const largest = Math.max(...reader.events.map(({ data }) => (Array.isArray(data) ? data.length : 0)));
    expect(largest).toBeLessThanOrEqual(1000);
    expect(warnings).toEqual([]);
  });

  it('ends at the bound of streams for one credential, and a place is free when a reader leaves', async () => {
    const open: FeedReader[] = [];
    for (let n = 0; n < STREAMS + 2; n += 1) open.push(await read());
    const refused = await server.request('/revocations/stream', {
      headers: { authorization: `Bearer ${INTROSPECT_SECRET}` },
    });
    expect([refused.status, refused.body.error, refused.headers.get('retry-after')]).toEqual([
      503,
      'overloaded',
      '5',
    ]);
    // Another spelling of one credential: the client id is free, and RFC 6749 §2.3.1 percent-encodes the secret.
    const encoded = `%${INTROSPECT_SECRET.charCodeAt(0).toString(16)}${INTROSPECT_SECRET.slice(1)}`;
    for (const authorization of [
      `bearer  ${INTROSPECT_SECRET}`,
      `Basic ${btoa(`another:${INTROSPECT_SECRET}`)}`,
      `Basic ${btoa(`another:${encoded}`)}`,
    ]) {
      const aborted = new AbortController();
      const { status } = await fetch(`${server.url}/revocations/stream`, {
        headers: { authorization },
        signal: aborted.signal,
      });
      aborted.abort();
      expect([authorization, status]).toEqual([authorization, 503]);
    }
    expect(
      (await server.request('/revocations', { headers: { authorization: `Bearer ${INTROSPECT_SECRET}` } }))
        .status,
    ).toBe(200);
    open[0]!.close();
    for (let status: number | undefined = 503; status !== 200;) ({ status } = await read());
    expect(warnings).toEqual([]);
  });
});
