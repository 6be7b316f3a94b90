import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KeyRotationService } from '../../src/keys/key-rotation.service.js';
import { headerOf, PASSWORD, startServer, type TestServer } from '../harness.js';

const times = <T>(count: number, work: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)));

describe('races: many at once, one winner', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ options: { trustedProxies: ['127.0.0.1'], maxSessionsPerUser: 20 } });
  });
  afterAll(() => server.close());

  it('50 refreshes of one token: 50 usable answers, one successor', async () => {
    const user = await server.signUp();
    const answers = await times(50, () => server.post('/auth/refresh', { refresh_token: user.refreshToken }));
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect(new Set(answers.map(({ body }) => body.tokens.refresh_token)).size).toBe(1);
    for (const { body } of answers) {
      expect((await server.request('/auth/me', { bearer: body.tokens.access_token })).status).toBe(200);
    }
    const [{ count }] = await server.dataSource.query(
      'SELECT count(*)::int FROM authfort_refresh_tokens WHERE session_id = $1',
      [user.sessionId],
    );
    expect(count).toBe(2);
    expect(
      (await server.post('/auth/refresh', { refresh_token: answers[0]!.body.tokens.refresh_token })).status,
    ).toBe(200);
  });
  it('refreshes of old and new tokens mixed: never two living chains', async () => {
    const user = await server.signUp();
    const second = (await server.post('/auth/refresh', { refresh_token: user.refreshToken })).body.tokens
      .refresh_token;
    const answers = await times(20, (n) =>
      server.post('/auth/refresh', { refresh_token: n % 2 ? second : user.refreshToken }),
    );
    const [{ count }] = await server.dataSource.query(
      'SELECT count(*)::int FROM authfort_refresh_tokens WHERE session_id = $1 AND rotated_at IS NULL',
      [user.sessionId],
    );
    expect(count).toBe(1);
    expect(answers.every(({ status }) => status === 200 || status === 401)).toBe(true);
  });
  it('20 repeats from two networks and devices: the session ends once, and no chain lives on', async () => {
    const user = await server.signUp();
    const from = (n: number) => ({
      'x-forwarded-for': n % 2 ? '203.0.113.7' : '198.51.100.4',
      'user-agent': n % 2 ? 'Shop/1' : 'curl/8',
    });
    const answers = await times(20, (n) =>
      server.post('/auth/refresh', { refresh_token: user.refreshToken }, { headers: from(n) }),
    );
    for (const { status, body } of answers) {
      expect([200, 401]).toContain(status);
      if (status === 200)
        expect((await server.request('/auth/me', { bearer: body.tokens.access_token })).status).toBe(401);
    }
    const [found] = await server.dataSource.query(
      `SELECT (SELECT revoked_reason FROM authfort_sessions WHERE id = $1) AS reason,
         (SELECT count(*)::int FROM authfort_refresh_tokens WHERE session_id = $1 AND rotated_at IS NULL) AS unspent,
         (SELECT count(*)::int FROM authfort_audit_log WHERE session_id = $1 AND action = 'refresh_token_reused') AS thefts`,
      [user.sessionId],
    );
    expect(found).toEqual({ reason: 'refresh_token_reuse', unspent: 1, thefts: 1 });
  });
  it('20 repeats of one client: one audit entry', async () => {
    const user = await server.signUp();
    await times(20, () => server.post('/auth/refresh', { refresh_token: user.refreshToken }));
    const { entries } = await server.authfort.listAuditEntries({
      userId: user.id,
      action: 'refresh_token_repeated',
    });
    expect(entries).toHaveLength(1);
  });
  it('a spent token at 10 logouts and 10 refreshes: one theft, no logout', async () => {
    const user = await server.signUp();
    const second = (await server.post('/auth/refresh', { refresh_token: user.refreshToken })).body.tokens;
    await server.post('/auth/refresh', { refresh_token: second.refresh_token });
    await times(20, (n) =>
      server.post(n % 2 ? '/auth/refresh' : '/auth/logout', { refresh_token: user.refreshToken }),
    );
    const { entries } = await server.authfort.listAuditEntries({ userId: user.id });
    const actions = entries.map(({ action }) => action);
    expect(actions.filter((action) => action === 'refresh_token_reused')).toHaveLength(1);
    expect(actions).not.toContain('logout');
  });
  it('30 sign-ins of one user by password and by code: 20 live sessions', async () => {
    const user = await server.signUp();
    await server.authfort.updateUser(user.id, { emailVerified: true });
    const links = await times(5, () => server.authfort.createMagicLinkToken(user.email));
    const answers = await times(30, (n) =>
      n < 5
        ? server.post('/auth/magic-link/verify', { token: links[n] })
        : server.post('/auth/login', { email: user.email, password: PASSWORD }),
    );
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(26);
    expect(await server.authfort.getSessions(user.id)).toHaveLength(20);
  });
  it('20 sign-ups of one address: one 201, nineteen 409', async () => {
    const answers = await times(20, () =>
      server.post('/auth/signup', { email: 'race@example.com', password: PASSWORD }),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array<number>(19).fill(409)]);
    const [{ count }] = await server.dataSource.query(
      `SELECT count(*)::int FROM authfort_sessions s JOIN authfort_users u ON u.id = s.user_id WHERE u.email = 'race@example.com'`,
    );
    expect(count).toBe(1);
  });
  it('a ban against 20 logins: no session survives it', async () => {
    const user = await server.signUp();
    const logins = times(20, () => server.post('/auth/login', { email: user.email, password: PASSWORD }));
    await server.authfort.banUser(user.id);
    await logins;
    await server.authfort.unbanUser(user.id);
    expect(await server.authfort.getSessions(user.id)).toEqual([]);
  });
  it('20 grants of one role: one row', async () => {
    const user = await server.signUp();
    await times(20, () => server.authfort.addRole(user.id, 'editor'));
    expect(await server.authfort.getRoles(user.id)).toEqual(['editor']);
  });
  it('10 rotations at once: one current key, one next, old tokens good', async () => {
    const user = await server.signUp();
    await times(10, () => server.authfort.rotateKey());
    const states = await server.dataSource.query('SELECT state FROM authfort_signing_keys');
    const count = (state: string) => states.filter((row: { state: string }) => row.state === state).length;
    expect([count('current'), count('next')]).toEqual([1, 1]);
    expect((await server.request('/auth/me', { bearer: user.accessToken })).status).toBe(200);
    const later = await server.signUp();
    const { body } = await server.request('/.well-known/jwks.json');
    expect(body.keys.map(({ kid }: { kid: string }) => kid)).toContain(headerOf(later.accessToken).kid);
  });
  it('10 turns of the schedule at once: one rotation', async () => {
    const schedule = server.app.get(KeyRotationService);
    server.clock.advance(31 * 86_400);
    const before = (await schedule.list()).find(({ state }) => state === 'next')!.kid;
    await times(10, () => schedule.tick());
    expect((await schedule.list()).find(({ state }) => state === 'current')!.kid).toBe(before);
  });
});
