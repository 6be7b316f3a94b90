import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type SignedUp, startServer, type TestServer } from '../harness.js';

type Fate = 'fine' | 'banned' | 'signed out' | 'deleted' | 'promoted';
const FATES: Fate[] = ['fine', 'banned', 'signed out', 'deleted', 'promoted'];
const EXPECTED: Record<Fate, [status: number, error: string | undefined]> = {
  fine: [200, undefined],
  banned: [403, 'user_banned'],
  'signed out': [401, 'session_revoked'],
  deleted: [401, 'token_invalid'],
  promoted: [401, 'token_version_mismatch'],
};

/** Requests that come together are looked up together: each has to get the answer about itself, and none that of its neighbour. */
describe('attack: asking among many others', () => {
  let server: TestServer;
  let users: (SignedUp & { fate: Fate })[];
  beforeAll(async () => {
    server = await startServer();
    users = [];
    for (let n = 0; n < 20; n += 1)
      users.push({ ...(await server.signUp()), fate: FATES[n % FATES.length]! });
    for (const { fate, id, refreshToken } of users) {
      if (fate === 'banned') await server.authfort.banUser(id);
      if (fate === 'signed out') await server.post('/auth/logout', { refresh_token: refreshToken });
      if (fate === 'deleted') await server.authfort.deleteUser(id);
      if (fate === 'promoted') await server.authfort.addRole(id, 'admin');
    }
  });
  afterAll(() => server.close());

  it('tells each about themselves, in whatever order they come', async () => {
    for (let round = 0; round < 5; round += 1) {
      const order = users.toSorted(() => Math.random() - 0.5);
      const answers = await Promise.all(
        order.map(({ accessToken }) => server.request('/auth/me', { bearer: accessToken })),
      );
      answers.forEach(({ status, body }, index) => {
        const { fate, id, email, sessionId } = order[index]!;
        expect([status, body.error]).toEqual(EXPECTED[fate]);
        if (fate === 'fine') expect(body).toMatchObject({ id, email, session_id: sessionId });
      });
    }
  });

  it('says of each token whether that one is good', async () => {
    const answers = await Promise.all(users.map(({ accessToken }) => server.introspect(accessToken)));
    answers.forEach(({ body }, index) => {
      const { fate, id, email, sessionId } = users[index]!;
      if (fate === 'fine') expect(body).toMatchObject({ active: true, sub: id, email, sid: sessionId });
      else expect(body).toEqual({ active: false });
    });
  });
});
