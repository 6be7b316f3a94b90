import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { KeyRing } from '../../src/keys/key-ring.js';
import { adapters, type Answer, PASSWORD, startServer, type TestServer } from '../harness.js';

let lines: string[];
beforeEach(() => {
  lines = [];
  jest
    .spyOn(Logger.prototype, 'error')
    .mockImplementation((...parts: unknown[]) => void lines.push(parts.map(String).join(' ')));
});
afterEach(() => void jest.restoreAllMocks());

function expectUnavailable({ status, body, text }: Answer, code: string): void {
  expect([status, body.error]).toEqual([503, code]);
  expect(text).not.toContain('on purpose');
}

describe.each(adapters)('every 503 is logged once, with its cause (%s)', (adapter) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      adapter,
      realHashing: true,
      options: { passwordHashing: { concurrency: 1, queue: 1 } },
    });
    await server.dataSource.query(`
      CREATE TABLE failing (code text);
      CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT 1 FROM failing) THEN
          RAISE EXCEPTION 'failed on purpose' USING ERRCODE = (SELECT code FROM failing);
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER fail BEFORE INSERT ON authfort_sessions FOR EACH ROW EXECUTE FUNCTION fail()`);
  });
  afterAll(() => server.close());

  it.each([
    ['a deadlock', '40P01'],
    ['a statement that took too long', '57014'],
    ['a lock that was not given in time', '55P03'],
    ['too many connections', '53300'],
    ['a server that is shutting down', '57P01'],
  ])('%s (%s)', async (_, code) => {
    const { email } = await server.signUp();
    await server.dataSource.query('INSERT INTO failing VALUES ($1)', [code]);
    const login = await server.post('/auth/login', { email, password: PASSWORD });
    await server.dataSource.query('DELETE FROM failing');
    expectUnavailable(login, 'unavailable');
    // The count of an earlier flood may be logged now.
    expect(lines.filter((line) => line.startsWith('503 unavailable'))).toEqual([
      expect.stringMatching(`^503 unavailable: failed on purpose \\(${code}\\) .*error: `),
    ]);
  });

  it('an overload, of which a flood is counted', async () => {
    const { email } = await server.signUp();
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => server.post('/auth/login', { email, password: PASSWORD })),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(1);
    for (const answer of refused) expectUnavailable(answer, 'overloaded');
    const logged = lines.filter((line) =>
      line.includes('503 overloaded: too many password hashes are waiting'),
    );
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.length).toBeLessThan(refused.length);
  });

  it('a server without a signing key', async () => {
    const { email } = await server.signUp();
    const ring = server.app.get(KeyRing);
    await server.dataSource.query('CREATE TABLE aside AS SELECT * FROM authfort_signing_keys');
    await server.dataSource.query('DELETE FROM authfort_signing_keys');
    await ring.reload();
    expectUnavailable(await server.post('/auth/login', { email, password: PASSWORD }), 'keys_unavailable');
    await server.dataSource.query('INSERT INTO authfort_signing_keys SELECT * FROM aside; DROP TABLE aside');
    await ring.reload();
    expect(lines.filter((line) => line.startsWith('503 keys_unavailable: no signing key'))).toHaveLength(1);
  });
});
