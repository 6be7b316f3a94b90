import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { type AuditEntry, type AuthEvent, OnAuthEvent } from 'authfort';
import { settleOutbox } from 'authfort/testing';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

@Injectable()
class Watcher {
  readonly mismatches: string[] = [];
  readonly durable: string[] = [];

  @OnAuthEvent('refresh_token_mismatch')
  mismatch({ sessionId }: AuthEvent<'refresh_token_mismatch'>): void {
    this.mismatches.push(sessionId);
  }

  @OnAuthEvent('refresh_token_mismatch', { durable: true })
  durably({ sessionId }: AuthEvent<'refresh_token_mismatch'>): void {
    this.durable.push(sessionId);
  }
}

/** A client that can repeat an action at will must not be able to fill the audit log with it. */
describe('attack: filling the audit log', () => {
  let server: TestServer;
  let replica: TestServer;
  beforeAll(async () => {
    const options = { trustedProxies: ['127.0.0.1'], cookie: {} };
    server = await startServer({ options, providers: [Watcher] });
    replica = await startServer({ options, replicaOf: server });
  });
  afterAll(async () => {
    await server.close();
    await replica.close();
  });
  const entries = async (action: string, of: object): Promise<AuditEntry[]> => {
    return [...(await server.authfort.listAuditEntries({ action, ...of, limit: 100 })).entries];
  };
  const mismatch = (at: TestServer, refreshToken: string, mark: string, ip = '203.0.113.1') =>
    at.post('/auth/refresh', undefined, {
      cookie: `refresh_token=${refreshToken}; __Host-refresh_token-session=${mark}`,
      headers: { 'x-forwarded-for': ip, 'sec-fetch-site': 'same-origin' },
    });

  it('keeps one entry a minute of a session and kind, with a count, over all replicas', async () => {
    const user = await server.signUp();
    const mark = randomUUID();
    const requests = Array.from({ length: 30 }, (_, n) =>
      mismatch(n % 2 ? server : replica, user.refreshToken, mark, `203.0.113.${n}`),
    );
    for (const { body } of await Promise.all(requests)) expect(body.error).toBe('refresh_token_mismatch');
    const first = await entries('refresh_token_mismatch', { userId: user.id });
    expect(first.map(({ repeats }) => repeats)).toEqual([30]);
    expect(first[0]!.ip).toMatch(/^203\.0\.113\./);
    server.clock.advance(60);
    await mismatch(server, user.refreshToken, mark);
    expect(
      (await entries('refresh_token_mismatch', { userId: user.id })).map(({ repeats }) => repeats),
    ).toEqual([1, 30]);
    await settleOutbox(server.app);
    const { durable, mismatches } = server.app.get(Watcher);
    // Durable listeners and webhooks receive the first event of each minute; listeners in the process receive all.
    expect(durable).toHaveLength(2);
    expect(mismatches.length).toBeGreaterThanOrEqual(15);
    // Another session is another entry.
    const other = await server.authfort.login(user.email, PASSWORD);
    await mismatch(server, other.tokens.refreshToken, mark);
    expect(await entries('refresh_token_mismatch', { userId: user.id })).toHaveLength(3);
  });

  it('counts failed sign-ins of one network at one account, and at no account, in one entry a minute', async () => {
    const { email, id } = await server.signUp();
    const login = (address: string, ip: string) =>
      server.post(
        '/auth/login',
        { email: address, password: 'wrong' },
        { headers: { 'x-forwarded-for': ip } },
      );
    server.clock.advance(60);
    for (let n = 0; n < 8; n += 1) await login(email, '198.51.100.7');
    await login(email, '192.0.2.7');
    expect((await entries('login_failed', { userId: id })).map(({ repeats }) => repeats)).toEqual([1, 8]);
    const all = async () => (await entries('login_failed', {})).length;
    const before = await all();
    for (let n = 0; n < 20; n += 1) await login(`nobody-${n}@example.com`, `198.51.100.${n}`);
    expect(await all()).toBe(before + 1);
  });

  it('counts the repeats of a user with a session', async () => {
    const { email, accessToken, id } = await server.signUp();
    server.clock.advance(60);
    for (let n = 0; n < 10; n += 1)
      await server.request('/auth/me', { method: 'PATCH', json: { name: `n${n}` }, bearer: accessToken });
    expect((await entries('user_updated', { userId: id })).map(({ repeats }) => repeats)).toEqual([10]);
    for (let n = 0; n < 4; n += 1) {
      await server.post('/auth/forgot-password', { email });
      await settleOutbox(server.app);
    }
    expect((await entries('password_reset_requested', { userId: id })).map(({ repeats }) => repeats)).toEqual(
      [4],
    );
  });

  it('refuses to lower a count or change an entry', async () => {
    await expect(server.dataSource.query('UPDATE authfort_audit_log SET repeats = 0')).rejects.toThrow(
      'append-only',
    );
    await expect(
      server.dataSource.query(`UPDATE authfort_audit_log SET repeat_key = decode('00', 'hex')`),
    ).rejects.toThrow('append-only');
  });
});
