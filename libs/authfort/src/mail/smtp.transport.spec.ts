import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generate } from 'selfsigned';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { SmtpTransport } from './smtp.transport.js';

const mail = {
  from: 'Shop <no-reply@shop.example>',
  to: 'you@example.com',
  subject: 'Hello',
  text: 'x',
  html: 'x',
};
const PASSWORD = 'p@ss/w%rd:1';

/** What a server has seen. */
interface Seen {
  port: number;
  logins: { username?: string | null; password?: string | null; secure: boolean }[];
  recipients: string[];
  close(): Promise<void>;
}

async function listen(options: SMTPServerOptions): Promise<Seen> {
  const seen = { logins: [] as Seen['logins'], recipients: [] as string[] };
  const server = new SMTPServer({
    authOptional: true,
    ...options,
    onAuth: ({ username, password }, { secure }, answer) => {
      seen.logins.push({ username, password, secure });
      if (password === PASSWORD) answer(null, { user: username });
      else answer(new Error('no such user'));
    },
    onRcptTo: ({ address }, _session, answer) => {
      seen.recipients.push(address);
      answer();
    },
    onData: (stream, _session, answer) => stream.resume().on('end', () => answer()),
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return { ...seen, port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function send(url: string, changes: Partial<typeof mail> = {}): Promise<string> {
  const transport = new SmtpTransport(url);
  try {
    return await transport.send({ ...mail, ...changes }).then(
      () => 'sent',
      (error: Error) => error.message,
    );
  } finally {
    transport.onApplicationShutdown();
  }
}

let withTls: Seen;
let inClear: Seen;
beforeAll(async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
  });
  withTls = await listen({ key, cert });
  const noTls = { hideSTARTTLS: true, disabledCommands: ['STARTTLS'], allowInsecureAuth: true };
  inClear = await listen({ key, cert, ...noTls });
});
afterAll(() => Promise.all([withTls.close(), inClear.close()]));

describe('the SMTP transport', () => {
  it('signs in over TLS, with the user and the password of the URL', async () => {
    const login = `shop:${encodeURIComponent(PASSWORD)}`;
    // The server's certificate is nobody's: it is refused unless the URL says otherwise.
    expect(await send(`smtp://${login}@127.0.0.1:${withTls.port}`)).toMatch(/certificate/i);
    expect(await send(`smtp://${login}@127.0.0.1:${withTls.port}?tls.rejectUnauthorized=false`)).toBe('sent');
    expect(withTls.logins).toEqual([{ username: 'shop', password: PASSWORD, secure: true }]);
  });

  it('repeats no password when it is refused', async () => {
    const url = `smtp://shop:not-the-password@127.0.0.1:${withTls.port}?tls.rejectUnauthorized=false`;
    const reason = await send(url);
    expect(reason).toMatch(/Invalid login: 535/);
    for (const text of ['not-the-password', Buffer.from('not-the-password').toString('base64').slice(0, 8)])
      expect(reason).not.toContain(text);
  });

  it('keeps the password to itself where there is no TLS, unless it is told otherwise', async () => {
    const url = `smtp://shop:${encodeURIComponent(PASSWORD)}@127.0.0.1:${inClear.port}`;
    expect(await send(url)).not.toBe('sent');
    expect(inClear.logins).toEqual([]);
    expect(await send(`${url}?requireTLS=false`)).toBe('sent');
    expect(inClear.logins).toEqual([{ username: 'shop', password: PASSWORD, secure: false }]);
  });

  it('sends to one address, not to what somebody has written into one', async () => {
    inClear.recipients.length = 0;
    for (const to of ['a@example.com, b@evil.example', 'a@example.com\r\nBcc: b@evil.example'])
      await send(`smtp://127.0.0.1:${inClear.port}`, { to });
    expect(inClear.recipients).not.toContain('b@evil.example');
    expect(await send(`smtp://127.0.0.1:${inClear.port}`)).toBe('sent');
    expect(inClear.recipients.at(-1)).toBe('you@example.com');
  });
});

it('keeps no connection to a server that does not answer, once the app has closed', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined).resume()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const transport = new SmtpTransport(`smtp://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const sending = transport.send(mail).then(
    () => 'sent',
    () => 'failed',
  );
  if (sockets.length === 0) await once(server, 'connection');
  const startedAt = performance.now();
  const closed = once(sockets[0]!, 'close');
  transport.onApplicationShutdown();
  expect(await sending).toBe('failed');
  await closed;
  expect(performance.now() - startedAt).toBeLessThan(1000);
  await new Promise((resolve) => server.close(resolve));
});
