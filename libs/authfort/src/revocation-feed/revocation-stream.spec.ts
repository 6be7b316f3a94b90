import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FeedFrame } from '../revocation/feed-frame.js';
import { RevocationStream } from './revocation-stream.js';

const entries = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ sid: `session-${n}`.padEnd(36, '.'), at: 1, exp: 2 }));

describe('RevocationStream', () => {
  let server: Server;
  let responses: ServerResponse[];
  let answers: IncomingMessage[];
  const warnings: Error[] = [];
  const warned = (warning: Error) => void warnings.push(warning);
  beforeEach(async () => {
    responses = [];
    answers = [];
    warnings.length = 0;
    process.on('warning', warned);
    server = createServer((_, response) => void responses.push(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    answers.forEach((answer) => answer.destroy());
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    process.off('warning', warned);
  });

  /** A stream to a client that reads nothing until the test lets it read. */
  async function connect(stallMs?: number) {
    const asked = request({ port: (server.address() as AddressInfo).port, agent: false }).end();
    await once(server, 'request');
    const response = responses.at(-1)!;
    const stream = new RevocationStream(stallMs);
    let left = 0;
    stream.begin(response, () => (left += 1));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.on('error', () => undefined);
    answers.push(answer);
    return { stream, response, answer, left: () => left };
  }

  it('disconnects a reader that does not read, with little in memory, which all readers share', async () => {
    const readers = [await connect(), await connect(), await connect()];
    for (const { stream } of readers) stream.complete('c');
    const frame = new FeedFrame(entries(1000));
    for (let n = 0; readers.some(({ stream }) => stream.open); n += 1) {
      expect(n).toBeLessThan(400);
      for (const { stream } of readers) stream.heard(frame, `c${n}`);
      for (const { response } of readers)
        expect(response.writableLength).toBeLessThan(256 * 1024 + 2 * frame.bytes.length);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const { response } of readers) if (!response.closed) await once(response, 'close');
    expect(readers.map(({ left }) => left())).toEqual([1, 1, 1]);
    expect(frame.bytes).toBe(frame.bytes);
  });

  it('gives a reader that catches up time to read, and not without an end', async () => {
    const { stream, answer } = await connect(60_000);
    const frame = new FeedFrame(entries(500));
    let sent = 0;
    let drained = false;
    const all = (async () => {
      for (; sent < 400; sent += 1) await stream.past(frame);
      drained = true;
    })();
    // The client reads nothing: the server waits.
    while (sent < 400 && !(await stalled(() => sent))) await new Promise((resolve) => setImmediate(resolve));
    expect([stream.open, drained]).toEqual([true, false]);
    answer.resume();
    await all;
    expect(stream.open).toBe(true);
    expect(warnings).toEqual([]);

    const slow = await connect(50);
    const startedAt = performance.now();
    while (slow.stream.open) await slow.stream.past(frame);
    expect(performance.now() - startedAt).toBeGreaterThan(45);
  });

  it('disconnects a live reader that has stopped reading, however little there is to send', async () => {
    const { stream, response } = await connect(0);
    stream.complete('c');
    const frame = new FeedFrame(entries(100));
    let buffered = 0;
    // What the kernel holds for the client comes first.
    for (let n = 0; stream.open && n < 5000; n += 1) {
      buffered = response.writableLength;
      stream.heard(frame, 'c');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(buffered).toBeLessThan(64 * 1024);
    expect(stream.open).toBe(false);
  });

  /** Whether a number has stayed the same for some turns of the event loop. */
  async function stalled(read: () => number): Promise<boolean> {
    const before = read();
    for (let n = 0; n < 200; n += 1) await new Promise((resolve) => setImmediate(resolve));
    return read() === before;
  }
});
