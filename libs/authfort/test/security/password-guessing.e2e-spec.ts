import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PasswordHasher } from '../../src/password/password-hasher.js';
import { type Answer, PASSWORD, startServer, type TestServer } from '../harness.js';

const CAP = 6;
const HOME = '203.0.113.10';
const ABROAD = '192.0.2.200';

/** ASVS 6.3.1, 6.1.1: a botnet, each address of which guesses a little, gets no further than one address; and the owner still gets in. */
describe('attack: guessing one password from many addresses', () => {
  let server: TestServer;
  let replica: TestServer;
  let hashed = 0;
  beforeAll(async () => {
    const options = {
      rateLimit: { rules: { passwordGuesses: { points: CAP, durationSeconds: 3600 } } },
      trustedProxies: ['127.0.0.1'],
    };
    server = await startServer({ options });
    replica = await startServer({ options, replicaOf: server });
    for (const { app } of [server, replica]) {
      const hasher = app.get(PasswordHasher);
      const verify = hasher.verify.bind(hasher);
      hasher.verify = (...args) => ((hashed += 1), verify(...args));
    }
  });
  beforeEach(() => {
    hashed = 0;
  });
  afterAll(async () => {
    await server.close();
    await replica.close();
  });

  const login = (email: string, password: string, ip: string, at = server) =>
    at.post('/auth/login', { email, password }, { headers: { 'x-forwarded-for': ip } });
  let bot = 0;
  /** Guesses, each from an address of its own, by turns at both replicas. */
  const botnet = (email: string, guesses: number) =>
    Promise.all(
      Array.from({ length: guesses }, (_, n) =>
        login(email, 'wrong password', `198.51.${(bot += 1) % 250}.${n}`, n % 2 ? server : replica),
      ),
    );
  const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status).sort();
  async function settler() {
    const email = `user-${randomUUID()}@example.com`;
    await server.post(
      '/auth/signup',
      { email, password: PASSWORD },
      { headers: { 'x-forwarded-for': HOME } },
    );
    return email;
  }

  it.each(['an account', 'no account'])('is capped over all addresses and replicas (%s)', async (which) => {
    const email = which === 'an account' ? await settler() : `nobody-${randomUUID()}@example.com`;
    const answers = await botnet(email, CAP + 8);
    expect(statuses(answers)).toEqual([...Array<number>(CAP).fill(401), ...Array<number>(8).fill(429)]);
    // Beyond the cap a hash is computed too: its time must not tell where the owner signs in from.
    expect(hashed).toBe(CAP + 8);
    const [refused] = await botnet(email, 1);
    expect([refused!.status, refused!.body.error, refused!.headers.get('retry-after')]).toEqual([
      429,
      'rate_limit_exceeded',
      '3600',
    ]);
    expect(refused!.text).not.toContain(email);
    server.clock.advance(3600);
    expect(statuses(await botnet(email, 1))).toEqual([401]);
  });

  /** The parts of an answer that a stranger sees, except its date. */
  const seen = ({ status, text, headers }: Answer) => ({
    status,
    text,
    headers: [...headers].filter(([name]) => name !== 'date').sort(),
  });
  // Each history: from where one wrong password after the other comes.
  const histories: [string, string[]][] = [
    [
      'a botnet, then the owner’s network and another',
      [...Array<string>(CAP).fill('bot'), HOME, ABROAD, HOME],
    ],
    ['the owner’s network, then another', [...Array<string>(CAP + 1).fill(HOME), ABROAD, HOME]],
    ['both by turns', Array.from({ length: 2 * CAP }, (_, n) => (n % 2 ? HOME : ABROAD))],
  ];
  it.each(histories)('gives known and unknown addresses the same answer: %s', async (_, networks) => {
    const known = await settler();
    const social = await settler();
    await server.dataSource.query('UPDATE authfort_users SET password_hash = NULL WHERE email = $1', [
      social,
    ]);
    const unknown = `nobody-${randomUUID()}@example.com`;
    for (const [n, network] of networks.entries()) {
      const ip = network === 'bot' ? `198.51.100.${n}` : network;
      const answers = [];
      for (const email of [known, unknown, social]) {
        hashed = 0;
        answers.push({ ...seen(await login(email, `wrong ${n}`, ip)), hashed });
      }
      expect(answers[0]).toMatchObject({ status: n < CAP ? 401 : 429, hashed: 1 });
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[2]).toEqual(answers[0]);
      server.clock.advance(1);
    }
    expect((await login(known, PASSWORD, ABROAD)).status).toBe(429);
    // The guesses from the owner's network that came within the cap used up none of those beyond it.
    expect((await login(known, PASSWORD, HOME)).status).toBe(200);
    // That the owner has signed in shows to nobody else.
    expect((await login(known, 'wrong', ABROAD)).status).toBe(429);
  });

  it('does not lock the owner out: where they have signed in before the password works all along', async () => {
    const email = await settler();
    await botnet(email, CAP + 2);
    expect((await login(email, PASSWORD, ABROAD)).status).toBe(429);
    expect((await login(email, 'mistyped', HOME)).status).toBe(429);
    expect((await login(email, PASSWORD, HOME)).status).toBe(200);
    // One who guesses from there is capped too, and what is right starts the count anew.
    for (let n = 0; n < CAP; n += 1) expect((await login(email, 'wrong', HOME)).status).toBe(429);
    expect((await login(email, PASSWORD, HOME)).status).toBe(429);
  });

  it('does not lock the owner out: abroad a link or a code works, and the password from then on', async () => {
    const email = await settler();
    // Otherwise the password ends with the owner's first proof of the address.
    const { id } = await server.authfort.getUserByEmail(email);
    await server.authfort.updateUser(id, { emailVerified: true });
    await botnet(email, CAP + 2);
    const token = await server.authfort.createMagicLinkToken(email);
    const headers = { 'x-forwarded-for': ABROAD };
    expect((await server.post('/auth/magic-link/verify', { token }, { headers })).status).toBe(200);
    const code = await server.authfort.createEmailOtp(email);
    expect((await server.post('/auth/otp/verify', { email, code }, { headers })).status).toBe(200);
    expect((await login(email, 'mistyped', ABROAD)).status).toBe(429);
    expect((await login(email, PASSWORD, ABROAD)).status).toBe(200);
  });

  it('does not count the right password, wherever it comes from', async () => {
    const email = await settler();
    for (let n = 0; n < CAP + 2; n += 1)
      expect((await login(email, PASSWORD, `203.0.113.${100 + n}`)).status).toBe(200);
  });

  it('does not lock the owner out: abroad a reset lets in whoever has the mailbox, and nobody from before', async () => {
    const email = await settler();
    await botnet(email, CAP + 2);
    const reset = {
      token: await server.authfort.createPasswordResetToken(email),
      new_password: `${PASSWORD} 2`,
    };
    const headers = { 'x-forwarded-for': ABROAD };
    expect((await server.post('/auth/reset-password', reset, { headers })).status).toBe(200);
    expect((await login(email, `${PASSWORD} 2`, HOME)).status).toBe(429);
    expect((await login(email, `${PASSWORD} 2`, ABROAD)).status).toBe(200);
  });

  it('knows fifty networks of an account, the latest', async () => {
    const email = await settler();
    const before = await rowCount();
    for (let n = 0; n < 55; n += 1) {
      server.clock.advance(1);
      await login(email, PASSWORD, `10.0.${n}.1`);
    }
    expect(await rowCount()).toBe(before - 1 + 50);
    await botnet(email, CAP + 2);
    expect((await login(email, PASSWORD, '10.0.0.1')).status).toBe(429);
    expect((await login(email, PASSWORD, '10.0.54.1')).status).toBe(200);
  });
  const rowCount = async () =>
    (
      await server.dataSource.query(
        "SELECT count(*)::int AS n FROM authfort_login_attempts WHERE network_hash <> ''",
      )
    )[0].n as number;

  it('forgets a place after thirty days, and keeps no address in clear', async () => {
    const email = await settler();
    server.clock.advance(31 * 86_400);
    await botnet(email, CAP);
    expect((await login(email, PASSWORD, HOME)).status).toBe(429);
    const rows = await server.dataSource.query(
      'SELECT to_jsonb(a)::text AS row FROM authfort_login_attempts a',
    );
    const dump = rows.map(({ row }: { row: string }) => row).join();
    expect(dump).not.toContain(Buffer.from(email).toString('hex'));
    server.clock.advance(31 * 86_400);
    await server.authfort.cleanup();
    const [{ n }] = await server.dataSource.query('SELECT count(*)::int AS n FROM authfort_login_attempts');
    expect(n).toBe(0);
  });
});
