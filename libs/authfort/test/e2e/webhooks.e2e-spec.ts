import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthFortModule, AuthFortOptionsError } from 'authfort';
import { ManualClock, settleOutbox } from 'authfort/testing';
import { Webhook } from 'standardwebhooks';
import { PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;

interface Delivery {
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** What the receiver was sent, and what it answers next: 200 where nothing is planned. */
const received: Delivery[] = [];
/** The events that came to the webhook which asks for none in particular. */
const usual = new Set<string>();
const answers: number[] = [];

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function receiver(): Server {
  return createServer((request, response) => {
    void textOf(request).then((body) => {
      if (request.url === '/all') {
        usual.add((JSON.parse(body) as { type: string }).type);
        return response.end();
      }
      received.push({ path: request.url!, headers: request.headers as Record<string, string>, body });
      const status = answers.shift() ?? 200;
      // A redirect to where it would be counted, and an answer that nobody would want to read to its end.
      response.writeHead(status, status === 307 ? { location: '/elsewhere' } : {});
      response.write('x'.repeat(100_000));
      if (status !== 418) response.end();
    });
  });
}

describe('webhooks', () => {
  let server: TestServer;
  let target: Server;
  let admin: SignedUp;
  beforeAll(async () => {
    target = receiver().listen(0, '127.0.0.1');
    await new Promise((resolve) => target.once('listening', resolve));
    const { port } = target.address() as AddressInfo;
    const address = `127.0.0.1:${port}`;
    server = await startServer({
      // The time of this machine: the receiver's library compares with it.
      clock: new ManualClock(new Date()),
      options: {
        webhooks: [
          {
            id: 'crm',
            url: `http://crm:p%40ss@${address}/hook?key=secret-of-the-url`,
            secret: SECRET,
            events: ['user_created', 'user_banned'],
          },
          { id: 'all', url: `http://${address}/all`, secret: SECRET },
          { id: 'gone', url: 'http://crm:pass@127.0.0.1:9/', secret: SECRET, events: ['role_added'] },
        ],
      },
    });
    server.app.useLogger(false);
    admin = await server.signUp('admin@example.com');
    await server.authfort.addRole(admin.id, 'admin');
    const login = await server.post('/auth/login', { email: admin.email, password: PASSWORD });
    admin.accessToken = login.body.tokens.access_token;
    await settleOutbox(server.app);
  });
  beforeEach(() => {
    received.length = 0;
    answers.length = 0;
  });
  afterAll(async () => {
    await server?.close();
    target?.closeAllConnections();
    target?.close();
  });

  const asAdmin = (path: string, method = 'GET') =>
    server.request(`/auth/admin/${path}`, { method, bearer: admin.accessToken });
  /** Lets as many days pass as all attempts take. */
  const exhaust = async () => {
    for (const seconds of [0, 5, 30, 120, 600, 3600, 21_600, 86_400]) {
      server.clock.advance(seconds);
      await settleOutbox(server.app);
    }
  };

  it('are called once, signed, with what happened and no secret', async () => {
    const user = await server.signUp();
    await server.authfort.addRole(user.id, 'editor');
    await settleOutbox(server.app);
    expect(received).toHaveLength(1);
    const [{ path, headers, body }] = received as [Delivery];
    expect(new Webhook(SECRET).verify(body, headers)).toEqual({
      type: 'user_created',
      timestamp: server.clock.now().toISOString(),
      data: { user_id: user.id, email: user.email, user_name: null, provider: 'email' },
    });
    expect(path).toBe('/hook?key=secret-of-the-url');
    expect(headers.authorization).toBe(`Basic ${btoa('crm:p@ss')}`);
    expect(headers['content-type']).toBe('application/json');
  });
  it('are repeated after a failure, with the same id and a new time', async () => {
    answers.push(500, 204);
    await server.signUp();
    await settleOutbox(server.app);
    server.clock.advance(4);
    await settleOutbox(server.app);
    expect(received).toHaveLength(1);
    server.clock.advance(1);
    await settleOutbox(server.app);
    const [first, second] = received as [Delivery, Delivery];
    expect(received).toHaveLength(2);
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
    expect(second.body).toBe(first.body);
    expect(Number(second.headers['webhook-timestamp']) - Number(first.headers['webhook-timestamp'])).toBe(5);
    new Webhook(SECRET).verify(second.body, second.headers);
  });
  it('do not wait for the end of an answer', async () => {
    answers.push(418);
    await server.signUp();
    await settleOutbox(server.app);
    expect(received).toHaveLength(1);
    server.clock.advance(5);
    await settleOutbox(server.app);
    expect(received).toHaveLength(2);
  });
  it('do not follow a redirect: it is a failure', async () => {
    answers.push(307);
    await server.signUp();
    await settleOutbox(server.app);
    expect(received.map(({ path }) => path)).toEqual(['/hook?key=secret-of-the-url']);
    server.clock.advance(5);
    await settleOutbox(server.app);
    expect(received).toHaveLength(2);
  });
  it('end with the dead letters after the last attempt, and an administrator has them repeated', async () => {
    const user = await server.signUp();
    await settleOutbox(server.app);
    received.length = 0;
    answers.push(...Array.from({ length: 8 }, () => 503));
    await server.authfort.banUser(user.id);
    await exhaust();
    expect(received).toHaveLength(8);
    // The token has expired in the meantime.
    const login = await server.post('/auth/login', { email: admin.email, password: PASSWORD });
    admin.accessToken = login.body.tokens.access_token;
    const { body } = await asAdmin('dead-letters');
    const letter = body.dead_letters.find(({ event }: { event: string }) => event === 'user_banned');
    expect(letter).toEqual({
      id: expect.any(String),
      event_id: received[0]!.headers['webhook-id'],
      event: 'user_banned',
      consumer: 'webhook:crm',
      user_id: user.id,
      created_at: expect.any(String),
      dead_at: server.clock.now().toISOString(),
      attempts: 8,
      error: 'the receiver answered 503',
    });
    expect((await asAdmin(`dead-letters/${letter.id}/retry`, 'POST')).status).toBe(204);
    await settleOutbox(server.app);
    expect(received).toHaveLength(9);
    expect(received[8]!.headers['webhook-id']).toBe(letter.event_id);
    const again = await asAdmin(`dead-letters/${letter.id}/retry`, 'POST');
    expect([again.status, again.body.error]).toEqual([404, 'dead_letter_not_found']);
    const audit = await asAdmin('audit?action=dead_letter_retried');
    expect(audit.body.entries).toEqual([
      expect.objectContaining({
        actor_id: admin.id,
        user_id: user.id,
        detail: { consumer: 'webhook:crm', event: 'user_banned' },
      }),
    ]);
  });
  it('say nothing of the address in what is kept of a failure', async () => {
    const user = await server.signUp();
    await server.authfort.addRole(user.id, 'editor');
    await exhaust();
    const { deadLetters } = await server.authfort.listDeadLetters();
    const letter = deadLetters.find(({ userId }) => userId === user.id)!;
    expect(letter.consumer).toBe('webhook:gone');
    expect(letter.error).toMatch(/^the receiver could not be reached( \(\w+\))?$/);
  });
  it('that name no events hear of all but what anybody can cause at will', async () => {
    const user = await server.signUp();
    await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    await server.post('/auth/login', { email: user.email, password: 'not the password' });
    await server.post('/auth/logout', { refresh_token: user.refreshToken });
    await settleOutbox(server.app);
    expect([...usual]).toEqual(expect.arrayContaining(['user_created', 'login', 'logout', 'role_added']));
    expect([...usual]).not.toContain('token_refreshed');
    expect([...usual]).not.toContain('login_failed');
  });
  it('that ask for an event which does not exist stop the boot', () => {
    const webhook = { id: 'crm', url: 'https://crm.example.com', secret: SECRET, events: ['user_crated'] };
    expect(() => AuthFortModule.forRoot({ webhooks: [webhook] })).toThrow(
      'webhooks.0.events.0: there is no event of this name',
    );
    for (const secret of ['whsec_', `${SECRET}a`, `whsec_${randomBytes(65).toString('base64')}`])
      expect(() => AuthFortModule.forRoot({ webhooks: [{ ...webhook, events: ['login'], secret }] })).toThrow(
        AuthFortOptionsError,
      );
  });
});
