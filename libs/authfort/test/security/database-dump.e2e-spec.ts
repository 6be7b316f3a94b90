import { createPrivateKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

/** ASVS 13.3: who reads the database cannot sign tokens and cannot use a session. */
describe('attack: a stolen database dump', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  it('holds no usable private key', async () => {
    const rows: { sealed_private_key: string }[] = await server.dataSource.query(
      'SELECT * FROM authfort_signing_keys',
    );
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      expect(row.sealed_private_key).toMatch(/^v1\.[\w-]{16}\.[\w-]{22}\.[\w-]+$/);
      for (const part of row.sealed_private_key.split('.').slice(1)) {
        const bytes = Buffer.from(part, 'base64url');
        expect(() => createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' })).toThrow();
      }
    }
  });
  it('holds no password and no token', async () => {
    const user = await server.signUp();
    const tables = ['users', 'user_roles', 'sessions', 'refresh_tokens', 'signing_keys'];
    const dumps = await Promise.all(
      tables.map((table) => server.dataSource.query(`SELECT t::text AS row FROM authfort_${table} t`)),
    );
    const dump = JSON.stringify(dumps);
    expect(dump).toContain(user.email);
    for (const secret of [
      PASSWORD,
      user.accessToken,
      user.refreshToken,
      Buffer.from(user.refreshToken).toString('hex'),
    ]) {
      expect(dump).not.toContain(secret);
    }
  });
});
