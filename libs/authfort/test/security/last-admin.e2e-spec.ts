import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PASSWORD, startServer, type SignedUp, type TestServer } from '../harness.js';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

async function makeAdmin(): Promise<SignedUp> {
  const user = await server.signUp();
  await server.authfort.addRole(user.id, 'admin');
  const { body } = await server.post('/auth/login', { email: user.email, password: PASSWORD });
  return { ...user, accessToken: body.tokens.access_token };
}

it('shuts nobody out of administration who is the last in it', async () => {
  const [first, second] = [await makeAdmin(), await makeAdmin()];
  const attempts = (by: SignedUp, whom: SignedUp) =>
    [
      ['POST', `/auth/admin/users/${whom.id}/ban`],
      ['DELETE', `/auth/admin/users/${whom.id}`],
      ['DELETE', `/auth/admin/users/${whom.id}?hard=true`],
      ['DELETE', `/auth/admin/users/${whom.id}/roles/admin`],
    ].map(([method, path]) => server.request(path!, { method, bearer: by.accessToken }));

  // At once, each against the other: whoever is left, somebody is.
  await Promise.all([...attempts(first, second), ...attempts(second, first)]);
  const { users } = await server.authfort.listUsers({ role: 'admin', banned: false });
  expect(users).toHaveLength(1);

  const { body } = await server.post('/auth/login', { email: users[0]!.email, password: PASSWORD });
  const last = { ...first, id: users[0]!.id, accessToken: body.tokens.access_token as string };
  for (const refused of await Promise.all(attempts(last, last)))
    expect([refused.status, refused.body.error]).toEqual([409, 'last_admin']);
  const gone = await server.request('/auth/me', {
    method: 'DELETE',
    bearer: last.accessToken,
    json: { password: PASSWORD },
  });
  expect([gone.status, gone.body.error]).toEqual([409, 'last_admin']);
  expect((await server.request('/auth/me', { bearer: last.accessToken })).body.roles).toEqual(['admin']);
});
