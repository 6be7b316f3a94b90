import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The least that a client needs of an auth server: for the tests of the bindings, which are about rendering. */
export async function startWireServer(): Promise<{ baseUrl: string; close(): Promise<void> }> {
  const user = { id: '1', email: 'ada@example.com', roles: ['admin'], created_at: '2026-01-01T00:00:00Z' };
  const tokens = { access_token: 'access', refresh_token: 'refresh', expires_in: 900 };
  const server = createServer((request, response) => {
    const known = request.headers.authorization === 'Bearer access' || request.method === 'POST';
    if (request.url === '/auth/logout') response.writeHead(204).end();
    else if (!known) response.writeHead(401).end('{"error":"token_missing"}');
    else response.end(JSON.stringify(request.url === '/auth/me' ? user : { user, tokens }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
