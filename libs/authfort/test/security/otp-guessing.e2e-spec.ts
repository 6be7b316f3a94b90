import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

/** ASVS 6.6.3, NIST SP 800-63B §3.2.2: six digits are a million guesses, so few of them may be made. */
describe('attack: guessing e-mail codes', () => {
  let server: TestServer;
  let replica: TestServer;
  beforeAll(async () => {
    server = await startServer();
    replica = await startServer({ replicaOf: server });
  });
  afterAll(async () => {
    await server.close();
    await replica.close();
  });

  async function confirmed() {
    const user = await server.signUp();
    await server.authfort.verifyEmail(await server.authfort.createEmailVerificationToken(user.id));
    return user.email;
  }
  const guess = (email: string, code: string, n = 0) =>
    (n % 2 ? replica : server).authfort.verifyEmailOtp(email, code).then(
      () => 'in',
      ({ code: reason }: { code: string }) => reason,
    );
  /** Five wrong codes at once, by turns at both replicas. */
  const fiveWrong = (email: string, right: string | null) =>
    Promise.all(
      [1, 2, 3, 4, 5].map((n) => guess(email, String((Number(right) + n) % 1_000_000).padStart(6, '0'), n)),
    );
  async function guesses(email: string) {
    const rows = await server.dataSource.query(
      'SELECT failures FROM authfort_email_otps ORDER BY failures DESC',
    );
    return { most: rows[0].failures as number, email };
  }

  it('ends each code with the fifth wrong guess: a new one has to be asked for', async () => {
    const email = await confirmed();
    const code = await server.authfort.createEmailOtp(email);
    expect(await fiveWrong(email, code)).toEqual(Array(5).fill('invalid_otp'));
    expect(await guess(email, code!)).toBe('invalid_otp');
    expect(await guess(email, (await replica.authfort.createEmailOtp(email))!)).toBe('in');
  });

  it.each(['an account', 'no account'])(
    'judges 50 of a thousand over two hundred codes, in a day (%s)',
    async (which) => {
      const email = which === 'an account' ? await confirmed() : `nobody-${randomUUID()}@example.com`;
      for (let round = 0; round < 200; round += 1) {
        const code = await server.authfort.createEmailOtp(email);
        if (round < 10) expect(code === null).toBe(which === 'no account');
        await fiveWrong(email, code);
        if (round === 5) server.clock.advance(3600);
      }
      expect((await guesses(email)).most).toBe(50);
      if (which === 'no account') return;

      expect(await server.authfort.createEmailOtp(email)).toBeNull();
      // A code that is not taken would keep the owner out: a link is mailed instead.
      await server.post('/auth/otp', { email });
      const link = await server.tokenFor(email);
      expect((await server.post('/auth/magic-link/verify', { token: link })).status).toBe(200);
      // Everything else is open to the owner all along.
      expect((await server.post('/auth/login', { email, password: PASSWORD })).status).toBe(200);
      const token = await server.authfort.createMagicLinkToken(email);
      expect((await server.post('/auth/magic-link/verify', { token })).status).toBe(200);
      server.clock.advance(86_400 - 3600 + 1);
      expect(await guess(email, (await server.authfort.createEmailOtp(email))!)).toBe('in');
    },
  );

  it('does not count anew because the address changed hands', async () => {
    const email = await confirmed();
    const { id } = await server.authfort.getUserByEmail(email);
    await fiveWrong(email, await server.authfort.createEmailOtp(email));
    const before = (await guesses(email)).most;
    await server.authfort.updateUser(id, { email: `x-${email}` });
    await server.authfort.updateUser(id, { email });
    await fiveWrong(email, await server.authfort.createEmailOtp(email));
    expect((await guesses(email)).most).toBeGreaterThanOrEqual(Math.max(before, 10));
  });

  it('keeps nothing that gives a code away: not the code, nor a hash that a million guesses find', async () => {
    const email = await confirmed();
    const code = (await server.authfort.createEmailOtp(email))!;
    const rows = await server.dataSource.query('SELECT to_jsonb(o)::text AS row FROM authfort_email_otps o');
    const dump = rows.map(({ row }: { row: string }) => row).join();
    for (const text of [
      code,
      `${email}${code}`,
      `${email}:${code}`,
      `${email} ${code}`,
      `code ${email} ${code}`,
    ])
      for (const hash of ['sha1', 'sha256', 'sha512'])
        expect(dump).not.toContain(createHash(hash).update(text).digest('hex'));
    expect(dump).not.toContain(Buffer.from(code).toString('hex'));
  });

  it('two users may have the same code at the same time', async () => {
    const [one, other] = [await confirmed(), await confirmed()];
    const code = (await server.authfort.createEmailOtp(one))!;
    // The hash binds the code to its address, so equal codes are as unequal as others.
    await server.authfort.createEmailOtp(other);
    expect(await guess(one, code)).toBe('in');
  });
});
