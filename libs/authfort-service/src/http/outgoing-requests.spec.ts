import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OutgoingRequests } from './outgoing-requests.js';

describe('OutgoingRequests', () => {
  let server: Server;
  let url: string;
  let open: number;
  let outgoing: OutgoingRequests;
  beforeEach(async () => {
    open = 0;
    // Accepts a request and never answers.
    server = createServer((_, response) => {
      open += 1;
      response.on('close', () => (open -= 1));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    outgoing = new OutgoingRequests();
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const hang = (timeoutMs: number, graceMs?: number) =>
    outgoing
      .run(timeoutMs, (signal) => fetch(url, { signal }), graceMs)
      .then(
        () => 'answered',
        ({ name }: Error) => name,
      );
  async function untilClosed(): Promise<void> {
    while (open > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  it('gives the result of the work, or its error', async () => {
    expect(await outgoing.run(1000, () => Promise.resolve(7))).toBe(7);
    await expect(outgoing.run(1000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('ends after its time, and also work that ignores the signal', async () => {
    expect(await hang(50)).toBe('TimeoutError');
    await expect(outgoing.run(20, () => new Promise(() => undefined))).rejects.toThrow('timed out');
    await untilClosed();
  });

  it('ends soon after the app was asked to close, or as late as it asked for', async () => {
    const [short, long] = [hang(60_000), hang(60_000, 60_000)];
    if (open < 2) await once(server, 'request');
    const startedAt = performance.now();
    outgoing.onModuleDestroy();
    expect(await short).toBe('AbortError');
    expect(await hang(60_000, 10)).toBe('AbortError');
    expect(performance.now() - startedAt).toBeGreaterThan(450);
    outgoing.onApplicationShutdown();
    expect(await long).toBe('AbortError');
    await untilClosed();
    await expect(outgoing.run(1000, () => Promise.resolve(7))).rejects.toThrow('shuts down');
  });
});
