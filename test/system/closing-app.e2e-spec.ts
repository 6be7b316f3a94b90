import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { until } from './address.js';
import { compiled, SHORT_LIVED } from './compiled.js';

let server: Server;
let asked: Set<string>;
beforeEach(async () => {
  asked = new Set();
  server = createServer(({ url }) => void asked.add(url!)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('closes immediately while the auth server does not answer, and nothing keeps its process alive', async () => {
  const { port } = server.address() as AddressInfo;
  const app = fork(compiled('test/system/closing-app.fixture.ts'), {
    env: { PATH: process.env.PATH, HANGING_URL: `http://127.0.0.1:${port}` },
    execArgv: SHORT_LIVED,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  try {
    const said: Record<string, number> = {};
    app.on('message', (message: Record<string, number>) => Object.assign(said, message));
    const paths = ['/jwks', '/revocations/stream', '/introspect'];
    await until('everything is asked', 30_000, () =>
      Promise.resolve(paths.every((path) => asked.has(path)) || undefined),
    );
    const askedAt = performance.now();
    app.send('close');
    const timer = setTimeout(() => app.kill('SIGKILL'), 20_000);
    const [code] = (await once(app, 'exit')) as [number | null];
    clearTimeout(timer);
    expect(code).toBe(0);
    expect(performance.now() - askedAt).toBeLessThan(3000);
    expect(said.closedInMs).toBeLessThan(1500);
    // The request that waited for the keys was answered.
    expect(said.status).toBe(503);
  } finally {
    app.kill('SIGKILL');
  }
});
