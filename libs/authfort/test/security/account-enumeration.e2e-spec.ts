import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PasswordHasher } from '../../src/password/password-hasher.js';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

/** ASVS 6.3.8: until the right password is given, every address looks the same, in words and in work. */
describe('attack: finding out who has an account', () => {
  let server: TestServer;
  let verified = 0;
  beforeAll(async () => {
    server = await startServer();
    const hasher = server.app.get(PasswordHasher);
    const verify = hasher.verify.bind(hasher);
    // The work is counted, not timed: a hash is compared exactly once on every path.
    hasher.verify = (...args) => {
      verified += 1;
      return verify(...args);
    };
  });
  afterAll(() => server.close());

  it('answers and works the same for known, unknown, banned and password-less accounts', async () => {
    const [known, banned, social] = [await server.signUp(), await server.signUp(), await server.signUp()];
    await server.authfort.banUser(banned.id);
    await server.dataSource.query('UPDATE authfort_users SET password_hash = NULL WHERE id = $1', [
      social.id,
    ]);
    const seen = [];
    for (const email of [known.email, 'nobody@example.com', banned.email, social.email]) {
      verified = 0;
      const { status, text, headers } = await server.post('/auth/login', {
        email,
        password: 'not the password',
      });
      seen.push({ status, text, length: headers.get('content-length'), verified });
    }
    expect(seen[0]).toMatchObject({ status: 401, verified: 1 });
    expect(JSON.parse(seen[0]!.text).error).toBe('invalid_credentials');
    expect(new Set(seen.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });
  it('tells only the owner of a banned account that it is banned', async () => {
    const banned = await server.signUp();
    await server.authfort.banUser(banned.id);
    const answer = await server.post('/auth/login', { email: banned.email, password: PASSWORD });
    expect([answer.status, answer.body.error]).toEqual([403, 'user_banned']);
  });
  it('does not let the decoy’s own password in', async () => {
    for (const password of ['decoy', '']) {
      const answer = await server.post('/auth/login', { email: 'nobody@example.com', password });
      expect(answer.body.error).toBe('invalid_credentials');
    }
  });
});
