import { createHash, createHmac, createPrivateKey, hkdfSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { KeySealer } from '../../src/keys/key-sealer.js';
import { deriveSuccessor, hashRefreshToken } from '../../src/sessions/refresh-token.js';
import { INTROSPECT_SECRET, PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

const SECRET = 'key-encryption-secret-of-the-tests';
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 'w').toString('base64')}`;
const IP = '203.0.113.77';
const PORT_OF_NOBODY = 9;

/** Every row of every table, with binary columns in hexadecimal. */
async function dumpOf(server: TestServer): Promise<string> {
  const tables: { name: string }[] = await server.dataSource.query(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_name LIKE 'authfort%' AND table_type = 'BASE TABLE'`,
  );
  expect(tables.length).toBeGreaterThan(10);
  const rows = await Promise.all(
    tables.map(({ name }) =>
      server.dataSource.query<{ row: string }[]>(`SELECT to_jsonb(t)::text AS row FROM ${name} t`),
    ),
  );
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}

/** The forms in which a secret can be read back from a dump. */
const forms = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString('hex'),
  Buffer.from(secret).toString('base64'),
  Buffer.from(secret).toString('base64url'),
];

async function keyRows(server: TestServer): Promise<{ kid: string; sealed_private_key: string }[]> {
  return server.dataSource.query('SELECT kid, sealed_private_key FROM authfort_signing_keys');
}
const readKey = (key: Buffer) => createPrivateKey({ key, format: 'der', type: 'pkcs8' });

/**
 * Whether the hash of the code is in the dump, under the key that `secret` gives. Whoever knows that key finds any code: there are only a
 * million.
 */
async function holdsCode(server: TestServer, email: string, code: string, secret: string): Promise<boolean> {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'authfort email codes v1', 32));
  return (await dumpOf(server)).includes(
    createHmac('sha256', key).update(`code ${email} ${code}`).digest('hex'),
  );
}

/** ASVS 13.3: the reader of a database dump cannot sign tokens, use a session or follow a link. */
describe('attack: a stolen database dump', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      options: {
        cookie: {},
        trustedProxies: ['loopback'],
        passwordPolicy: { history: 3 },
        allowPasswordlessSignup: true,
        webhooks: [
          {
            id: 'crm',
            url: `http://crm:webhook-password@127.0.0.1:${PORT_OF_NOBODY}/secret-path`,
            secret: WEBHOOK_SECRET,
          },
        ],
      },
    });
    server.app.useLogger(false);
  });
  afterAll(() => server.close());

  it('holds no usable private key', async () => {
    const rows = await keyRows(server);
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      expect(row.sealed_private_key).toMatch(/^v1\.[\w-]{16}\.[\w-]{22}\.[\w-]+$/);
      for (const part of row.sealed_private_key.split('.').slice(1))
        expect(() => readKey(Buffer.from(part, 'base64url'))).toThrow();
    }
  });

  it('holds no password, token, link, code or secret of the configuration, in any table', async () => {
    const user = await server.signUp();
    const secrets = [PASSWORD, `${PASSWORD} 2`, user.accessToken, user.refreshToken];
    const change = { old_password: PASSWORD, new_password: `${PASSWORD} 2`, sessions: 'others' };
    await server.post('/auth/change-password', change, { bearer: user.accessToken });
    const { body } = await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    secrets.push(body.tokens.access_token, body.tokens.refresh_token);
    const bearer: string = body.tokens.access_token;
    for (const path of ['/auth/forgot-password', '/auth/magic-link', '/auth/otp'])
      await server.post(path, { email: user.email });
    await server.post('/auth/verify-email/request', undefined, { bearer });
    await server.post('/auth/email-change', { email: `next-${user.email}` }, { bearer });
    await server.post('/auth/magic-link', { email: `nobody-${user.email}` });
    await server.mailTo(user.email);
    const mailed = server.mail.mails.flatMap(({ text }) => text.match(/(?<=token=)[\w-]+|\b\d{6}\b/g) ?? []);
    const links = mailed.filter((text) => text.length > 6);
    const codes = mailed.filter((text) => text.length === 6);
    expect(links.length).toBeGreaterThanOrEqual(5);
    expect(codes.length).toBeGreaterThanOrEqual(1);
    secrets.push(...links, INTROSPECT_SECRET, SECRET, WEBHOOK_SECRET, WEBHOOK_SECRET.slice('whsec_'.length));
    secrets.push('webhook-password', 'secret-path');

    const dump = await dumpOf(server);
    expect(dump).toContain('webhook:crm');
    expect(dump).toContain(createHash('sha256').update(links[0]!).digest('hex'));
    for (const secret of secrets)
      for (const form of forms(secret)) expect([form, dump.includes(form)]).toEqual([form, false]);
    for (const code of codes) expect(dump).not.toMatch(new RegExp(`(?<![\\w.-])${code}(?![\\w-])`));
  });

  it('holds personal data in clear, and argon2id hashes of the present and of earlier passwords', async () => {
    const mark = randomUUID().slice(0, 8);
    const headers = { 'x-forwarded-for': IP, 'user-agent': `Agent/${mark}` };
    const signedUp = await server.post(
      '/auth/signup',
      {
        email: `person-${mark}@example.com`,
        password: PASSWORD,
        name: `Nomen ${mark}`,
        phone: '+1 555 0177',
        avatar_url: `https://example.com/${mark}.png`,
      },
      { headers },
    );
    const { id } = signedUp.body.user;
    await server.authfort.addRole(id, `role-${mark}`);
    await server.authfort.createMagicLinkToken(`stranger-${mark}@example.com`);
    const rowOf = async (table: string, where: string) =>
      (
        await server.dataSource.query<{ row: string }[]>(
          `SELECT to_jsonb(t)::text AS row FROM authfort_${table} t WHERE ${where}`,
        )
      )
        .map(({ row }) => row)
        .join('\n');
    const account = await rowOf('users', `id = '${id}'`);
    for (const text of [`person-${mark}@`, `Nomen ${mark}`, '+1 555 0177', `${mark}.png`, '$argon2id$'])
      expect(account).toContain(text);
    for (const table of ['sessions', 'audit_log']) {
      const rows = await rowOf(table, `user_id = '${id}'`);
      expect(rows).toContain(IP);
      expect(rows).toContain(`Agent/${mark}`);
    }
    expect(await rowOf('user_roles', `user_id = '${id}'`)).toContain(`role-${mark}`);
    expect(await rowOf('one_time_tokens', 'user_id IS NULL')).toContain(`stranger-${mark}@example.com`);
    expect(await rowOf('password_history', 'true')).toContain('$argon2id$');
    // Events wait for a receiver that is down, with the addresses that they concern.
    expect(await rowOf('outbox', `user_id = '${id}'`)).toContain(`person-${mark}@example.com`);
    // The networks of the password counts are under a keyed hash.
    expect(await rowOf('login_attempts', 'true')).not.toMatch(/203\.0|cb0071/);
  });

  it('gives the next refresh token to the holder of the spent one, until that next one is used', async () => {
    const user = await server.signUp();
    const { body } = await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    const saltOf = async () =>
      (
        await server.dataSource.query<{ salt: Buffer | null }[]>(
          'SELECT successor_salt AS salt FROM authfort_refresh_tokens WHERE token_hash = $1',
          [hashRefreshToken(user.refreshToken)],
        )
      )[0]!.salt;
    expect(deriveSuccessor(user.refreshToken, (await saltOf())!).token).toBe(body.tokens.refresh_token);
    await server.post('/auth/refresh', { refresh_token: body.tokens.refresh_token });
    expect(await saltOf()).toBeNull();
  });

  it('opens with KEY_ENCRYPTION_SECRET: the keys, and the codes that are pending', async () => {
    const { email } = await server.signUp();
    const code = (await server.authfort.createEmailOtp(email))!;
    for (const { kid, sealed_private_key: sealed } of await keyRows(server))
      expect(readKey(new KeySealer(SECRET).open(sealed, kid)).asymmetricKeyType).toBe('ec');
    expect(await holdsCode(server, email, code, SECRET)).toBe(true);
    expect(await holdsCode(server, email, code, `${SECRET}x`)).toBe(false);
  });
});

describe('attack: a stolen database dump of a server without KEY_ENCRYPTION_SECRET', () => {
  let server: TestServer;
  let user: SignedUp;
  let warnings: string;
  beforeAll(async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    server = await startServer({ options: { keyEncryptionSecret: undefined } });
    warnings = warn.mock.calls.join('\n');
    warn.mockRestore();
    user = await server.signUp();
  });
  afterAll(() => server.close());

  it('holds the private keys in clear, and the server logs a warning', async () => {
    expect(warnings).toContain('The private signing keys are stored in clear');
    const rows = await keyRows(server);
    expect(rows).toHaveLength(2);
    for (const { sealed_private_key: stored } of rows) {
      const [version, key] = stored.split('.');
      expect(version).toBe('plain');
      expect(readKey(Buffer.from(key!, 'base64url')).asymmetricKeyType).toBe('ec');
    }
  });

  it('holds no code: the key of its hash is random, and another process refuses the code', async () => {
    const { email } = user;
    const code = (await server.authfort.createEmailOtp(email))!;
    for (const secret of ['', 'undefined']) expect(await holdsCode(server, email, code, secret)).toBe(false);
    const other = await startServer({ replicaOf: server, options: { keyEncryptionSecret: undefined } });
    const elsewhere = await other.post('/auth/otp/verify', { email, code });
    expect([elsewhere.status, elsewhere.body.error]).toEqual([400, 'invalid_otp']);
    expect((await server.post('/auth/otp/verify', { email, code })).status).toBe(200);
    await other.close();
  });
});
