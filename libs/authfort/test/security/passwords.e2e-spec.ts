import { hash } from '@node-rs/argon2';
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

/** NIST SP 800-63B §3.1.1: length is the rule, nothing is cut off, nothing absurd is hashed. */
describe('attack: passwords that are too weak, too long or cut short', () => {
  let server: TestServer;
  let count = 0;
  beforeAll(async () => {
    server = await startServer({ realHashing: true });
  });
  afterAll(() => server.close());

  const signUp = (password: unknown) =>
    server.post('/auth/signup', { email: `p${(count += 1)}@example.com`, password });

  it.each([
    ['', 400, 'password_too_short'],
    ['seven77', 400, 'password_too_short'],
    ['😀😀😀😀', 400, 'password_too_short'],
    ['eight888', 201, undefined],
    ['        ', 201, undefined],
    ['ßäöü日本語パスワード', 201, undefined],
    ['x'.repeat(64), 201, undefined],
    ['😀'.repeat(1024), 201, undefined],
    ['x'.repeat(1025), 400, 'password_too_long'],
    ['x'.repeat(500_000), 400, 'password_too_long'],
  ])('judges %.20j', async (password, status, error) => {
    const answer = await signUp(password);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
  });
  it('compares the whole password', async () => {
    const password = 'x'.repeat(100);
    const { body } = await signUp(password);
    const login = (attempt: string) =>
      server.post('/auth/login', { email: body.user.email, password: attempt });
    expect((await login(password.slice(0, -1))).status).toBe(401);
    expect((await login(`${password}x`)).status).toBe(401);
    expect((await login(password)).status).toBe(200);
  });
  it('refuses a megabyte at login without hashing it', async () => {
    const answer = await server.post('/auth/login', {
      email: 'a@example.com',
      password: 'x'.repeat(1_000_000),
    });
    expect(answer.body.error).toBe('password_too_long');
  });
  it('stores argon2id at 64 MiB, t=3, p=4', async () => {
    const user = await server.signUp();
    const [{ password_hash: hash }] = await server.dataSource.query(
      'SELECT password_hash FROM authfort_users WHERE id = $1',
      [user.id],
    );
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$[\w+/]{22}\$[\w+/]{43}$/);
  });
  it('verifies a hash made by Python’s argon2-cffi', async () => {
    const user = await server.signUp();
    // The example of argon2-cffi's own README, for this very password.
    const python =
      '$argon2id$v=19$m=65536,t=3,p=4$MIIRqgvgQbgj220jfp0MPA$YfwJSVjtjSU0zzV/P3S9nnQ/USre2wvJMjfCIjrTQbg';
    await server.dataSource.query('UPDATE authfort_users SET password_hash = $2 WHERE id = $1', [
      user.id,
      python,
    ]);
    expect((await server.post('/auth/login', { email: user.email, password: PASSWORD })).status).toBe(200);
    expect((await server.post('/auth/login', { email: user.email, password: `${PASSWORD}r` })).status).toBe(
      401,
    );
  });
  it('answers a hash that cannot be read like a wrong password, and tells the log whose it is', async () => {
    const user = await server.signUp();
    const broken = '$argon2id$v=19$m=65536,t=3,p=4$cut off';
    await server.dataSource.query('UPDATE authfort_users SET password_hash = $2 WHERE id = $1', [
      user.id,
      broken,
    ]);
    const lines: string[] = [];
    const note = (line: unknown) => void lines.push(String(line));
    const spies = (['warn', 'error'] as const).map((level) =>
      jest.spyOn(Logger.prototype, level).mockImplementation(note),
    );
    const login = await server.post('/auth/login', { email: user.email, password: PASSWORD });
    for (const spy of spies) spy.mockRestore();
    expect([login.status, login.body.error]).toEqual([401, 'invalid_credentials']);
    expect(lines).toEqual([expect.stringContaining(user.id)]);
    expect(lines[0]).not.toContain('argon2id');
  });
  it('brings a hash of weaker settings up to date', async () => {
    const user = await server.signUp();
    const weak = await hash(PASSWORD, { memoryCost: 8192, timeCost: 2, parallelism: 1 });
    await server.dataSource.query('UPDATE authfort_users SET password_hash = $2 WHERE id = $1', [
      user.id,
      weak,
    ]);
    const login = () => server.post('/auth/login', { email: user.email, password: PASSWORD });
    const stored = async () =>
      (await server.dataSource.query('SELECT password_hash FROM authfort_users WHERE id = $1', [user.id]))[0]
        .password_hash as string;
    expect((await login()).status).toBe(200);
    // The upgrade follows the answer; each further sign-in takes a turn of the hasher, so this ends.
    while ((await stored()) === weak) await login();
    expect(await stored()).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$/);
    expect((await login()).status).toBe(200);
  });
});
