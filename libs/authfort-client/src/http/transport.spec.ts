import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { sleepFor } from '../../test/page.js';
import { createAuthClient, memoryStorage, type TokenStorage } from '../index.js';

const USER = { id: '1', email: 'ada@example.com', created_at: '2026-01-01T00:00:00Z' };
const TOKENS = { access_token: 'access', refresh_token: 'refresh', expires_in: 900 };

/** What an auth server may answer when it is another version, another server, or a proxy; and what storages do. */
describe('bad answers', () => {
  let server: Server | undefined;
  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
    server = undefined;
  });

  async function clientOf(
    listener: RequestListener,
    tokenStorage: TokenStorage = memoryStorage(),
    timeout?: number,
  ) {
    server = createServer(listener);
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth/`;
    return createAuthClient({ baseUrl, tokenMode: 'bearer', tokenStorage, timeout });
  }
  const answer =
    (status: number, body: string | object, headers: Record<string, string> = {}): RequestListener =>
    (_, response) =>
      response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  const signIn = { email: 'ada@example.com', password: 'correct horse' };

  it.each<[string, RequestListener, string, number]>([
    ['HTML from another server', answer(200, '<html>'), 'invalid_response', 200],
    ['an empty answer', answer(200, ''), 'invalid_response', 200],
    ['other JSON', answer(200, { fine: true }), 'invalid_response', 200],
    ['a 404 page, for a wrong baseUrl', answer(404, '<html>'), 'invalid_response', 404],
    ['a 502 page of a proxy', answer(502, '<html>'), 'server_unavailable', 502],
    ['a hung server', () => undefined, 'timeout', 0],
    ['a cut connection', (request) => void request.socket.destroy(), 'network_error', 0],
    [
      'an error of Nest',
      answer(401, { statusCode: 401, error: 'invalid_credentials', message: 'No' }),
      'invalid_credentials',
      401,
    ],
    [
      'an error of the Python AuthFort',
      answer(401, { detail: { error: 'invalid_credentials', message: 'No' } }),
      'invalid_credentials',
      401,
    ],
    [
      'a list of fields of the Python AuthFort',
      answer(422, { detail: [{ loc: ['body', 'email'], msg: 'No' }] }),
      'validation_error',
      422,
    ],
    ['an error without a code', answer(418, { error: 'I am a teapot' }), 'invalid_response', 418],
  ])('%s', async (_, listener, code, statusCode) => {
    // Long enough for a laden machine to answer, where an answer is what is tested.
    const client = await clientOf(listener, memoryStorage(), code === 'timeout' ? 0.3 : 20);
    await expect(client.signIn(signIn)).rejects.toMatchObject({ name: 'AuthClientError', code, statusCode });
    expect(client.getSnapshot().state).toBe('loading');
    client.dispose();
  });
  it('tells when to come again', async () => {
    const client = await clientOf(answer(429, { error: 'rate_limit_exceeded' }, { 'retry-after': '7' }));
    await expect(client.signIn(signIn)).rejects.toMatchObject({ retryAfter: 7, temporary: true });
    client.dispose();
  });
  it.each(['', 'auth.example.com', 'ftp://auth.example.com', 'javascript:alert(1)', 'https://', 7 as never])(
    'refuses the baseUrl %p',
    (baseUrl) => expect(() => createAuthClient({ baseUrl })).toThrow(/invalid base url/),
  );
  it('asks for a token storage in bearer mode', () => {
    expect(() => createAuthClient({ baseUrl: '/auth', tokenMode: 'bearer' })).toThrow(
      /missing token storage/,
    );
  });

  describe('a token storage that throws', () => {
    const broken = (method: 'get' | 'set' | 'clear'): TokenStorage => {
      const storage = memoryStorage();
      storage[method] = () => {
        throw new Error('The disk is full');
      };
      return storage;
    };
    const server = answer(200, { user: USER, tokens: TOKENS });

    it('when it is read: the start fails', async () => {
      const client = await clientOf(server, broken('get'));
      await expect(client.initialize()).rejects.toMatchObject({ code: 'storage_error', statusCode: 0 });
      client.dispose();
    });
    it('when it is written: a sign-in fails, and leaves nobody signed in', async () => {
      const client = await clientOf(server, broken('set'));
      await expect(client.signIn(signIn)).rejects.toMatchObject({ code: 'storage_error' });
      expect(client.getSnapshot().state).toBe('loading');
      client.dispose();
    });
    it('when a refreshed token is written: the session goes on in memory', async () => {
      const storage = memoryStorage();
      await storage.set('first');
      const sent: string[] = [];
      const client = await clientOf((request, response) => {
        let body = '';
        request.on('data', (chunk) => (body += String(chunk)));
        request.on('end', () => {
          sent.push((JSON.parse(body) as { refresh_token: string }).refresh_token);
          const tokens = { ...TOKENS, refresh_token: `after-${sent.length}`, expires_in: 60 };
          response.end(JSON.stringify({ user: USER, tokens }));
        });
      }, storage);
      storage.set = () => Promise.reject(new Error('The disk is full'));
      await client.initialize();
      sleepFor(61);
      await client.getToken();
      jest.restoreAllMocks();
      expect(sent.slice(0, 2)).toEqual(['first', 'after-1']);
      expect(client.getSnapshot().state).toBe('authenticated');
      client.dispose();
    });
    it('when it is cleared: the sign-out succeeds', async () => {
      const client = await clientOf(server, broken('clear'));
      await client.signIn(signIn);
      await client.signOut();
      expect(client.getSnapshot().state).toBe('unauthenticated');
      client.dispose();
    });
  });

  it('waits for the second factor, and completes the sign-in with it', async () => {
    const bodies: unknown[] = [];
    const client = await clientOf((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        bodies.push([request.url, JSON.parse(body)]);
        const challenge = { mfa_required: true, mfa_token: 'pending', expires_in: 300 };
        response.end(
          JSON.stringify(request.url === '/auth/mfa/verify' ? { user: USER, tokens: TOKENS } : challenge),
        );
      });
    });
    await expect(client.verifyMFA('123 456')).rejects.toMatchObject({ code: 'mfa_not_pending' });
    for (const begin of [
      () => client.signIn(signIn),
      () => client.verifyMagicLink('link'),
      () => client.verifyOTP('ada@example.com', '123456'),
    ]) {
      expect(await begin()).toEqual({ mfaRequired: true, expiresIn: 300 });
      expect(client.getSnapshot()).toMatchObject({ state: 'mfa_pending', user: null });
      expect(await client.verifyMFA('123 456')).toMatchObject({ id: '1', emailVerified: false, roles: [] });
      expect(client.getSnapshot().state).toBe('authenticated');
    }
    expect(bodies.slice(0, 2)).toEqual([
      ['/auth/login', signIn],
      ['/auth/mfa/verify', { mfa_token: 'pending', code: '123 456' }],
    ]);
    client.dispose();
  });
  it('speaks the wire format of the routes without a session', async () => {
    const asked: string[] = [];
    const client = await clientOf((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${body}`);
        response.end('{"message":"fine"}');
      });
    });
    await client.requestMagicLink('ada@example.com');
    await client.requestOTP('ada@example.com');
    await client.verifyEmail('token');
    expect(asked).toEqual([
      'POST /auth/magic-link {"email":"ada@example.com"}',
      'POST /auth/otp {"email":"ada@example.com"}',
      'POST /auth/verify-email {"token":"token"}',
    ]);
    await expect(client.signInWithProvider('google')).rejects.toMatchObject({ code: 'no_browser' });
    client.dispose();
  });
});
