import { describe, expect, it } from '@jest/globals';
import { type AccessTokenVerifier, type AuthUser, SystemClock } from 'authfort-service';
import { COOLDOWN, outcome, settle, START, TokenLab, TOLERANCE, TTL } from '../../test/token-lab.js';

/** Shown twice: the keys came with the first token, so the second time they are looked at once more. */
async function remember(verifier: AccessTokenVerifier, token: string): Promise<AuthUser> {
  await verifier.verify(token);
  const user = await verifier.verify(token);
  expect(verifier.recall(`Bearer ${token}`)).toBe(user);
  return user;
}

describe('a verified token that comes again', () => {
  it('is answered at once, with the same user, by text and by header', async () => {
    const lab = new TokenLab();
    const { verifier } = lab.verifier();
    const token = lab.sign();
    expect(verifier.recall(`Bearer ${token}`)).toBeUndefined();
    const user = await verifier.verify(token);
    // The keys came with the first token, so the second time they are looked at once more.
    expect(verifier.verify(token)).toBe(user);
    expect(verifier.recall(`Bearer ${token}`)).toBe(user);
    expect(verifier.recall(`bearer ${token}`)).toBeUndefined();
    expect(verifier.recall(token)).toBeUndefined();
  });
  it('cannot be changed by who receives it', async () => {
    const lab = new TokenLab();
    const user = await lab.verifier().verifier.verify(lab.sign());
    expect(() => (user.roles as string[]).push('admin')).toThrow(TypeError);
    expect(() => (user.claims.roles as string[]).push('admin')).toThrow(TypeError);
    expect(() => Object.assign(user.claims, { sub: 'admin' })).toThrow(TypeError);
  });
  it('is verified once for all who ask at the same time', async () => {
    const lab = new TokenLab();
    const { verifier, fetches } = lab.verifier();
    const [token, forged] = [lab.sign(), `${lab.sign()}AAAA`];
    const users = await Promise.all(Array.from({ length: 50 }, async () => verifier.verify(token)));
    expect(new Set(users).size).toBe(1);
    const refused = await Promise.allSettled(Array.from({ length: 50 }, async () => verifier.verify(forged)));
    const reasons = refused.map((result) => result.status === 'rejected' && (result.reason as Error));
    expect([reasons[0], new Set(reasons).size]).toEqual([
      expect.objectContaining({ code: 'token_invalid' }),
      1,
    ]);
    // Nothing of it is kept: it is looked at again.
    await expect(verifier.verify(forged)).rejects.not.toBe(reasons[0]);
    expect(fetches()).toBe(1);
  });
  it('is verified each time when nothing is to be remembered', async () => {
    const lab = new TokenLab();
    const { verifier } = lab.verifier(0);
    const token = lab.sign();
    const user = await verifier.verify(token);
    const again = verifier.verify(token);
    expect(again).toBeInstanceOf(Promise);
    expect(await again).not.toBe(user);
    expect(verifier.recall(`Bearer ${token}`)).toBeUndefined();
  });
  it('is refused from its end on, tolerance included', async () => {
    const lab = new TokenLab();
    const { verifier } = lab.verifier();
    const token = lab.sign({ exp: START + 60 });
    await remember(verifier, token);
    lab.clock.seconds = START + 60 + TOLERANCE - 0.001;
    expect(verifier.verify(token)).toBe(verifier.recall(`Bearer ${token}`));
    lab.clock.seconds = START + 60 + TOLERANCE;
    expect(verifier.recall(`Bearer ${token}`)).toBeUndefined();
    expect(await outcome(verifier, token)).toBe('token_expired');
  });
  it('is refused when the clock is set back before it was issued, and taken again later', async () => {
    const lab = new TokenLab();
    const { verifier } = lab.verifier();
    const token = lab.sign();
    await remember(verifier, token);
    lab.clock.seconds = START - TOLERANCE - 1;
    expect(verifier.recall(`Bearer ${token}`)).toBeUndefined();
    expect(await outcome(verifier, token)).toBe('token_invalid');
    lab.clock.seconds = START;
    expect(await outcome(verifier, token)).toBe('good');
  });
  it.each([
    ['its session', { session: 's' }, 'session_revoked'],
    ['the version of its user', { version: ['u', 2] as [string, number] }, 'token_version_mismatch'],
    ['its key', { kid: 'key-1' }, 'token_invalid'],
  ])(
    'is refused at once when %s is revoked, and so is one that comes for the first time',
    async (_, what, code) => {
      const lab = new TokenLab();
      const { verifier } = lab.verifier();
      const [token, fresh] = [
        lab.sign({ sub: 'u', sid: 's' }),
        lab.sign({ sub: 'u', sid: 's', iat: START - 1 }),
      ];
      const other = lab.sign({ sub: 'v', sid: 't' }, lab.publish());
      lab.clock.seconds += 10;
      await remember(verifier, token);
      expect(await outcome(verifier, other)).toBe('good');
      lab.revocations.revoke(what);
      expect(verifier.recall(`Bearer ${token}`)).toBeUndefined();
      expect([await outcome(verifier, token), await outcome(verifier, fresh)]).toEqual([code, code]);
      expect(await outcome(verifier, other)).toBe('good');
      expect(verifier.recall(`Bearer ${other}`)).toBeDefined();
    },
  );
  it('is refused when it is revoked while it is verified', async () => {
    const lab = new TokenLab();
    const { verifier } = lab.verifier();
    const token = lab.sign({ sid: 's' });
    const verifying = outcome(verifier, token);
    lab.revocations.revoke({ session: 's' });
    expect(await verifying).toBe('session_revoked');
  });
  it('needs no new verification when the keys were fetched again and its own has stayed', async () => {
    const lab = new TokenLab();
    const { verifier, fetches } = lab.verifier();
    const token = lab.sign();
    const user = await remember(verifier, token);
    lab.publish();
    lab.clock.seconds += TTL * 0.9;
    // This one starts the fetch ahead of time, and does not wait for it.
    expect(verifier.verify(token)).toBe(user);
    await settle();
    expect(fetches()).toBe(2);
    expect(verifier.verify(token)).toBe(user);
    expect(verifier.recall(`Bearer ${token}`)).toBe(user);
  });
  it('is verified anew when another key stands under its kid', async () => {
    const lab = new TokenLab();
    const { verifier } = lab.verifier();
    const token = lab.sign();
    await remember(verifier, token);
    lab.publish('key-1');
    lab.clock.seconds += TTL + 1;
    expect(await outcome(verifier, token)).toBe('token_invalid');
  });
  it('is asked about each time while a clock that was set back leaves the age of the keys unknown', async () => {
    const lab = new TokenLab();
    const { verifier } = lab.verifier();
    const token = lab.sign({ iat: START - 100 });
    await remember(verifier, token);
    lab.away = true;
    lab.clock.seconds -= 50;
    expect(await outcome(verifier, token)).toBe('good');
    expect(verifier.recall(`Bearer ${token}`)).toBeUndefined();
    lab.publish();
    lab.published.delete('key-1');
    lab.away = false;
    lab.clock.seconds += COOLDOWN;
    expect(await outcome(verifier, token)).toBe('good');
    await settle();
    expect(await outcome(verifier, token)).toBe('token_invalid');
  });
  it('is refused as soon as the fetch for a stranger has shown that its key is gone', async () => {
    const lab = new TokenLab();
    const { verifier } = lab.verifier();
    const token = lab.sign();
    await remember(verifier, token);
    lab.publish();
    lab.published.delete('key-1');
    lab.clock.seconds += 10;
    expect(verifier.recall(`Bearer ${token}`)).toBeDefined();
    expect(await outcome(verifier, lab.sign())).toBe('good');
    expect(verifier.recall(`Bearer ${token}`)).toBeUndefined();
    expect(await outcome(verifier, token)).toBe('token_invalid');
  });
});

describe('a clock', () => {
  it('tells the same time in both ways, also where only one of them was made anew', () => {
    class Fast extends SystemClock {
      override now(): Date {
        return new Date(super.now().getTime() + 3_600_000);
      }
    }
    expect(new Fast().nowMs() - Date.now()).toBeGreaterThan(3_599_000);
    expect(Math.abs(new SystemClock().nowMs() - Date.now())).toBeLessThan(1000);
    expect(new TokenLab().clock.nowMs()).toBe(START * 1000);
  });
});
