import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KeyRing } from '../../src/keys/key-ring.js';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

/** A request that cannot be answered must leave nothing behind: no account, no session, no spent refresh token. */
describe('attack: the signing keys are gone', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  it('answers 503 and commits nothing, says so in readiness, and goes on when they are back', async () => {
    const user = await server.signUp();
    const keys = await server.dataSource.query('SELECT * FROM authfort_signing_keys');
    await server.dataSource.query(`DELETE FROM authfort_signing_keys WHERE state = 'current'`);
    await server.app.get(KeyRing).reload();

    const signup = () => server.post('/auth/signup', { email: 'later@example.com', password: PASSWORD });
    expect([(await signup()).status, (await signup()).body.error]).toEqual([503, 'keys_unavailable']);
    expect((await server.post('/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(503);
    expect((await server.request('/health/ready')).status).toBe(503);
    expect(await server.authfort.getSessions(user.id)).toHaveLength(1);

    const current = keys.find(({ state }: { state: string }) => state === 'current');
    const columns = Object.keys(current);
    await server.dataSource.query(
      `INSERT INTO authfort_signing_keys (${columns.join(', ')}) VALUES (${columns.map((_, at) => `$${at + 1}`).join(', ')})`,
      Object.values(current),
    );
    await server.app.get(KeyRing).reload();
    server.clock.advance(60);
    expect((await signup()).status).toBe(201);
    expect((await server.post('/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(200);
  });
});
