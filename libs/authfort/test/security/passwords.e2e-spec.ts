import { hash } from '@node-rs/argon2';
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

/** NIST SP 800-63B §3.1.1: length is the rule, nothing is cut off, nothing absurd is hashed. */
describe('attack: passwords that are too weak, too long or cut short', () => {
  let server: TestServer;
  let count = 0;
  beforeAll(async () => {
    server = await startServer();
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
  // NIST SP 800-63B §3.1.1.2: the verifier normalises to NFKC before it hashes.
  it.each([
    ['an umlaut as one character or two', 'h\u00fctte am see', 'hu\u0308tte am see'],
    ['two accents in another order', 'a\u0323\u0302 horse battery', 'a\u0302\u0323 horse battery'],
    [
      'Hangul as syllables or letters',
      '\ud55c\uad6d\uc5b4 \ube44\ubc00\ubc88\ud638',
      '한국어 비밀번호'.normalize('NFD'),
    ],
    ['full-width digits and letters', 'password 2026', 'ｐａｓｓｗｏｒｄ　２０２６'],
    [
      'mathematical digits',
      'horse 0123456',
      'horse \u{1d7ce}\u{1d7cf}\u{1d7d0}\u{1d7d1}\u{1d7d2}\u{1d7d3}\u{1d7d4}',
    ],
    ['half-width kana', 'パスワードの秘密です', 'ﾊﾟｽﾜｰﾄﾞの秘密です'],
    ['a ligature', 'office worker', 'o\ufb03ce worker'],
    ['a space of another kind', 'correct horse', 'correct\u00a0horse'],
  ])('takes the same password typed on another system: %s', async (_, one, other) => {
    for (const [set, typed] of [
      [one, other],
      [other, one],
    ] as const) {
      const { status, body } = await signUp(set);
      expect(status).toBe(201);
      const login = (password: string) => server.post('/auth/login', { email: body.user.email, password });
      expect((await login(typed)).status).toBe(200);
      expect((await login(set)).status).toBe(200);
      expect((await login(`${typed}x`)).status).toBe(401);
      const bearer: string = body.tokens.access_token;
      const change = { old_password: set, new_password: typed };
      const changed = await server.post('/auth/change-password', change, { bearer });
      expect(changed.body.error).toBe('password_unchanged');
    }
  });
  it.each([
    ['four letters of two characters each', 'u\u0308'.repeat(4), 400, 'password_too_short'],
    ['two characters that stand for 36', '\ufdfa'.repeat(2), 400, 'password_too_short'],
    ['1024 letters of two characters each', 'u\u0308'.repeat(1024), 201, undefined],
    ['1024 letters of three characters each', '\u0061\u0323\u0302'.repeat(1024), 201, undefined],
    ['1025 letters of two characters each', 'u\u0308'.repeat(1025), 400, 'password_too_long'],
    ['100 characters that stand for 1800', '\ufdfa'.repeat(100), 400, 'password_too_long'],
  ])('measures the normalised form: %s', async (_, password, status, error) => {
    const answer = await signUp(password);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
  });
  it('keeps a hash of the typed form working, and replaces it by one of the normalised form', async () => {
    const user = await server.signUp();
    const typed = 'ｈｏｒｓｅ\u3000ba\u0308ttery';
    const old = await hash(typed, { memoryCost: 65_536, timeCost: 3, parallelism: 4 });
    await server.dataSource.query('UPDATE authfort_users SET password_hash = $2 WHERE id = $1', [
      user.id,
      old,
    ]);
    const login = (password: string) => server.post('/auth/login', { email: user.email, password });
    const stored = async () =>
      (await server.dataSource.query('SELECT password_hash FROM authfort_users WHERE id = $1', [user.id]))[0]
        .password_hash as string;
    expect((await login(typed.normalize('NFKC'))).status).toBe(401);
    expect((await login(typed)).status).toBe(200);
    while ((await stored()) === old) await login(typed);
    expect((await login(typed.normalize('NFKC'))).status).toBe(200);
    expect((await login(typed)).status).toBe(200);
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
});

describe('attack: passwords, at the real cost of their hashes', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ realHashing: true });
  });
  afterAll(() => server.close());

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
