import { HttpLoad, type LoadOptions, requestText } from '../load/http-load.js';
import type { InterleavedCase } from '../load/interleave.js';
import type { PinnedProcess } from '../load/pinned-process.js';
import type { BenchUser } from './auth.server.js';

/** The servers, and who is signed in. */
export interface Contestants {
  readonly auth: PinnedProcess;
  readonly bare: PinnedProcess;
  readonly users: readonly BenchUser[];
}

/** A case that can be closed. */
export type RouteCase = InterleavedCase & { close(): void };

/** How many requests are under way at once; each has a user of its own. */
export const CONNECTIONS = 32;

const JSON_TYPE = { 'content-type': 'application/json' };
const KEYS = '/.well-known/jwks.json';

/** The routes, and beside each the bare one that it is measured by; it is sent the same request, all but the path. */
export async function routeCases({ auth, bare, users }: Contestants) {
  const keys = await (await fetch(auth.url + KEYS)).text();
  await bare.call('show', keys);
  const bearer = users.map(({ accessToken }) => ({ authorization: `Bearer ${accessToken}` }));
  const secret = { authorization: `Bearer ${String(await auth.call('introspectSecret'))}`, ...JSON_TYPE };
  const me = (path: string) => bearer.map((headers) => requestText('GET', path, headers));
  const introspect = (path: string) =>
    users.map(({ accessToken }) => requestText('POST', path, secret, JSON.stringify({ token: accessToken })));
  return {
    jwks: await routeCase('GET /.well-known/jwks.json', auth, { request: requestText('GET', KEYS) }),
    bareJwks: await routeCase('bare: the same bytes', bare, { request: requestText('GET', '/jwks') }),
    me: await routeCase('GET /auth/me', auth, inTurn(me('/auth/me'))),
    bareMe: await routeCase('bare: one SELECT', bare, inTurn(me('/read'))),
    introspect: await routeCase('POST /introspect', auth, inTurn(introspect('/introspect'))),
    bareIntrospect: await routeCase('bare: one SELECT, by POST', bare, inTurn(introspect('/read'))),
    refresh: await routeCase('POST /auth/refresh', auth, refreshing(users)),
    bareWrite: await routeCase('bare: one UPDATE, one signature', bare, {
      request: requestText(
        'POST',
        '/write',
        JSON_TYPE,
        JSON.stringify({ refresh_token: users[0]!.refreshToken }),
      ),
    }),
  };
}

/** Each connection has a request of its own. */
function inTurn(requests: readonly string[]): Omit<LoadOptions, 'url'> {
  return { request: (connection) => requests[connection]! };
}

/** Each connection uses the refresh token that it was given last. */
function refreshing(users: readonly BenchUser[]): Omit<LoadOptions, 'url'> {
  const tokens = users.map(({ refreshToken }) => refreshToken);
  return {
    request: (connection) =>
      requestText('POST', '/auth/refresh', JSON_TYPE, JSON.stringify({ refresh_token: tokens[connection] })),
    onAnswer: (connection, _status, body) => {
      tokens[connection] = /"refresh_token":"([\w-]+)"/.exec(body)?.[1] ?? '';
    },
  };
}

async function routeCase(
  name: string,
  server: PinnedProcess,
  options: Omit<LoadOptions, 'url'>,
): Promise<RouteCase> {
  const load = await HttpLoad.open({ url: server.url, connections: CONNECTIONS, ...options });
  const cpu = async () => (await server.usage()).cpu;
  return { name, slice: (milliseconds) => load.run(milliseconds), cpu, close: () => load.close() };
}
