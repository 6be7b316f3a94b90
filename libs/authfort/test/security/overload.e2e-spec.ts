import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

/** ASVS 15.2.2: hashing is expensive on purpose; a flood of it may not take the rest of the server along. */
describe('attack: starving the server with password hashing', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      realHashing: true,
      options: { passwordHashing: { concurrency: 1, queue: 2 } },
    });
  });
  afterAll(() => server.close());

  it('answers 503 overloaded with Retry-After beyond the bound, and serves what needs no hash', async () => {
    const user = await server.signUp();
    const finished: string[] = [];
    const logins = Array.from({ length: 12 }, async () => {
      const answer = await server.post('/auth/login', { email: user.email, password: PASSWORD });
      finished.push('login');
      return answer;
    });
    const others = [
      server.request('/auth/me', { bearer: user.accessToken }),
      server.request('/health/ready'),
    ].map(async (request) => {
      const answer = await request;
      finished.push('other');
      return answer;
    });
    const answers = await Promise.all(logins);
    const refused = answers.filter(({ status }) => status === 503);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(3);
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.every(({ status }) => status === 200 || status === 503)).toBe(true);
    for (const { body, headers } of refused) {
      expect(body).toEqual({ statusCode: 503, error: 'overloaded', message: expect.any(String) });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    for (const { status } of await Promise.all(others)) expect(status).toBe(200);
    expect(finished.lastIndexOf('other')).toBeLessThan(finished.length - 1);
  });
});
