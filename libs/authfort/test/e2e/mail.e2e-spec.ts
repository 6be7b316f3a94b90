import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { settleOutbox } from 'authfort/testing';
import { type AddressObject, type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

/** A mail server that can refuse. */
class Post {
  readonly arrived: { recipients: string[]; mail: ParsedMail }[] = [];
  /** The answer to the next recipients; undefined takes them. */
  refusal: number | undefined;
  asked = 0;
  private server = this.make();
  port = 0;

  async open(): Promise<void> {
    this.server = this.make();
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()));
  }

  to(email: string): ParsedMail[] {
    return this.arrived.filter(({ recipients }) => recipients.includes(email)).map(({ mail }) => mail);
  }

  private make(): SMTPServer {
    const server = new SMTPServer({
      disabledCommands: ['STARTTLS', 'AUTH'],
      closeTimeout: 100,
      onRcptTo: (_address, _session, answer) => {
        this.asked += 1;
        if (this.refusal === undefined) answer();
        else answer(Object.assign(new Error('not now'), { responseCode: this.refusal }));
      },
      onData: (stream, { envelope }, answer) => {
        const recipients = envelope.rcptTo.map(({ address }) => address);
        void this.read(stream, recipients).then(() => answer(), answer);
      },
    });
    server.on('error', () => undefined);
    return server;
  }

  private async read(stream: SMTPServerDataStream, recipients: string[]): Promise<void> {
    this.arrived.push({ recipients, mail: await simpleParser(stream) });
  }
}

const post = new Post();
let server: TestServer;
let count = 0;

beforeAll(async () => {
  await post.open();
  server = await startServer({
    options: {
      frontendUrl: 'https://app.example.com/account/',
      mail: {
        smtpUrl: `smtp://127.0.0.1:${post.port}`,
        from: '"Shop, Inc." <no-reply@shop.example>',
        appName: 'Shop <b>& Söhne</b>',
        translations: { fr: { magic_link: french }, en: { email_otp: english } },
      },
    },
  });
});
afterAll(async () => {
  await server.close();
  await post.close();
});
afterEach(() => {
  post.refusal = undefined;
});

const french = { subject: 'Votre lien pour {app}', body: 'Bonjour,\nvoici le lien.', action: 'Se connecter' };
const english = { subject: 'Code for {app}', body: 'It is' };
const someone = () => `someone-${++count}@example.com`;
const settle = () => settleOutbox(server.app);
const tokenIn = (mail: ParsedMail | undefined) => /\?token=([\w-]+)/.exec(mail?.text ?? '')?.[1];

async function retry(seconds: number): Promise<void> {
  server.clock.advance(seconds);
  await settle();
}

describe('a mail', () => {
  it('arrives as text and HTML, from the sender, with the link to the frontend', async () => {
    const { email } = await server.signUp(someone());
    await settle();
    const [mail, ...more] = post.to(email);
    expect(more).toEqual([]);
    expect(mail!.from!.value).toEqual([{ name: 'Shop, Inc.', address: 'no-reply@shop.example' }]);
    expect((mail!.to as AddressObject).value).toEqual([{ name: '', address: email }]);
    expect(mail!.subject).toBe('Confirm your e-mail address');
    expect(mail!.headers.get('auto-submitted')).toBe('auto-generated');
    const token = tokenIn(mail);
    const link = `https://app.example.com/account/verify-email?token=${token}`;
    expect(mail!.text!.split('\n')).toContain(link);
    expect(mail!.text).toContain('Welcome to Shop <b>& Söhne</b>.');
    expect(mail!.html).toContain(`href="${link}"`);
    expect(mail!.html).toContain('Shop &lt;b&gt;&amp; Söhne&lt;/b&gt;');
    expect(mail!.attachments).toEqual([]);
    expect((await server.post('/auth/verify-email', { token })).status).toBe(200);
  });

  it('is in the words of the app, where it has its own for the reader’s language', async () => {
    const { email } = await server.signUp(someone());
    await settle();
    const ask = async (path: string, languages: string) => {
      await server.post(path, { email }, { headers: { 'accept-language': languages } });
      await settle();
      return post.to(email).at(-1)!;
    };
    const link = await ask('/auth/magic-link', 'fr-CA,en;q=0.8');
    expect(link.subject).toBe('Votre lien pour Shop <b>& Söhne</b>');
    expect(link.html).toContain('Bonjour,<br>voici le lien.');
    expect(link.html).toContain('>Se connecter</a>');
    // There is no French one of this; German is wanted more than English.
    expect((await ask('/auth/otp', 'en;q=0.3, fr, de;q=0.5')).subject).toMatch(/^\d{6} ist Ihr Code$/);
    expect((await ask('/auth/otp', 'it')).subject).toBe('Code for Shop <b>& Söhne</b>');
  });

  it('goes to one address, whatever somebody writes as an address or as a name', async () => {
    const before = post.arrived.length;
    for (const email of [
      'a@example.com,b@evil.example',
      'a@example.com\r\nBcc: b@evil.example',
      'a@example.com\nBcc: b@evil.example',
      'A <a@example.com>',
      'a@example.com b@evil.example',
      '"a@example.com, b"@evil.example',
    ]) {
      for (const path of ['/auth/forgot-password', '/auth/magic-link', '/auth/otp'])
        expect((await server.post(path, { email })).body.error).toBe('invalid_email');
    }
    const name = 'A\r\nBcc: b@evil.example';
    const refused = await server.post('/auth/signup', {
      email: someone(),
      name,
      password: 'correct horse battery',
    });
    expect(refused.body.error).toBe('invalid_name');
    await settle();
    expect(post.arrived).toHaveLength(before);
  });
});

describe('a mail server that', () => {
  it.each([451, 550])(
    'answers %d holds nobody up: the mail is tried again, and arrives once',
    async (refusal) => {
      post.refusal = refusal;
      const { email, accessToken } = await server.signUp(someone());
      await settle();
      expect(post.to(email)).toEqual([]);
      const again = await server.post('/auth/verify-email/request', undefined, { bearer: accessToken });
      expect(again.status).toBe(200);
      await settle();
      await retry(5);
      post.refusal = undefined;
      await retry(30);
      await retry(3600);
      const tokens = post.to(email).map(tokenIn);
      expect(tokens).toHaveLength(2);
      expect((await server.post('/auth/verify-email', { token: tokens[0] })).status).toBe(200);
    },
  );

  it('is away holds nobody up either', async () => {
    await post.close();
    const { email } = await server.signUp(someone());
    expect((await server.post('/auth/forgot-password', { email })).status).toBe(200);
    await settle();
    await post.open();
    await retry(5);
    expect(
      post
        .to(email)
        .map(({ subject }) => subject)
        .sort(),
    ).toEqual(['Choose a new password', 'Confirm your e-mail address']);
  });
});

describe('a mail that had to wait is not sent', () => {
  it.each([
    // An attacker who took an account over may have banned it.
    ['is banned', 'UPDATE authfort_users SET banned = true WHERE id = $1', ['Your password was changed']],
    ['is deleted', 'UPDATE authfort_users SET deleted_at = now() WHERE id = $1', []],
  ])('when the account %s meanwhile, unless it tells of a change', async (_what, statement, told) => {
    post.refusal = 451;
    const { id, email, accessToken } = await server.signUp(someone());
    const change = { email: someone(), password: PASSWORD };
    expect((await server.post('/auth/email-change', change, { bearer: accessToken })).status).toBe(200);
    const token = await server.authfort.createPasswordResetToken(email);
    await server.post('/auth/reset-password', { token, new_password: 'another horse, another battery' });
    for (const path of ['/auth/forgot-password', '/auth/magic-link', '/auth/otp'])
      await server.post(path, { email });
    await settle();
    await server.dataSource.query(statement, [id]);
    post.refusal = undefined;
    const { asked } = post;
    await retry(5);
    await retry(3600);
    expect(post.to(email).map(({ subject }) => subject)).toEqual(told);
    expect([post.to(change.email), post.asked]).toEqual([[], asked + told.length]);
  });

  it('when nobody waits for it any more: a late code would end the one that was asked for since', async () => {
    const { email } = await server.signUp(someone());
    await settle();
    post.refusal = 451;
    await server.post('/auth/otp', { email });
    await settle();
    for (const seconds of [5, 30, 120]) await retry(seconds);
    post.refusal = undefined;
    server.clock.advance(600);
    await server.post('/auth/otp', { email });
    await settle();
    const codes = post.to(email).slice(1);
    expect(codes).toHaveLength(1);
    const code = /\d{6}/.exec(codes[0]!.text!)![0];
    expect((await server.post('/auth/otp/verify', { email, code })).status).toBe(200);
  });
});
