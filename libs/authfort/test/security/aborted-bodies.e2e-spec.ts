import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { adapters, startServer, type TestServer } from '../harness.js';

const ABORTED = 30;

/** A client that disconnects in the middle of a body must not fill the error log. */
describe.each(adapters)('attack: bodies that are broken off (%s)', (adapter) => {
  let server: TestServer;
  const errors: unknown[] = [];
  const debug: string[] = [];
  beforeEach(async () => {
    server = await startServer({ adapter });
    errors.length = debug.length = 0;
    Logger.overrideLogger({
      log: () => undefined,
      warn: (...args: unknown[]) => errors.push(args),
      error: (...args: unknown[]) => errors.push(args),
      debug: (message: string) => debug.push(message),
    });
  });
  afterEach(async () => {
    Logger.overrideLogger(['error', 'fatal']);
    jest.restoreAllMocks();
    await server.close();
  });

  const hangUp = (path: string) =>
    new Promise<void>((resolve, reject) => {
      const { port } = new URL(server.url);
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"email":`,
          () => setImmediate(() => socket.destroy()),
        );
      });
      socket.on('close', () => resolve());
      socket.on('error', reject);
    });

  it('are counted at debug level, without a stack', async () => {
    await Promise.all(
      Array.from({ length: ABORTED }, (_, n) => hangUp(n % 2 ? '/auth/login' : '/auth/signup')),
    );
    for (let turn = 0; debug.length < ABORTED && turn < 2000; turn += 1)
      await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([]);
    expect(debug).toHaveLength(ABORTED);
    expect(debug.at(-1)).toContain(String(ABORTED));
    expect(debug.join()).not.toContain('    at ');
    // A body that is not JSON is still refused, and the server keeps running.
    const bad = await server.post('/auth/login', undefined, {
      raw: '{"email":',
      headers: { 'content-type': 'application/json' },
    });
    expect([bad.status, bad.body.error]).toEqual([400, 'invalid_json']);
  });
});
