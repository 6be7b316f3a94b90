import { describe, expect, it } from '@jest/globals';
import { PasswordHasher } from './password-hasher.js';

const hasher = (concurrency: number, queue: number) =>
  new PasswordHasher({ passwordHashing: { concurrency, queue } });

describe('PasswordHasher', () => {
  it('makes PHC strings of argon2id in the order m, t, p and verifies them', async () => {
    const one = hasher(2, 10);
    const stored = await one.hash('correct horse');
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$/);
    expect(await one.verify(stored, 'correct horse')).toEqual({
      matches: true,
      outdated: false,
      unreadable: false,
    });
    expect(await one.verify(stored, 'correct horsf')).toEqual({
      matches: false,
      outdated: false,
      unreadable: false,
    });
  });
  it('does the same work for a known and an unknown account, whichever form is typed', async () => {
    const one = hasher(1, 10);
    const stored = await one.hash('horse \uff11');
    expect(await one.verify(stored, 'horse 1')).toMatchObject({ matches: true, outdated: false });
    expect(await one.verify(stored, 'horse \uff11')).toMatchObject({ matches: true, outdated: false });
    expect(await one.verify(null, 'horse \uff11')).toMatchObject({ matches: false, unreadable: false });
    const typed = '$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$cut';
    expect(await one.verify(typed, 'horse \uff11')).toMatchObject({ matches: false, unreadable: true });
  });
  it('matches nothing without a hash', async () => {
    const one = hasher(1, 10);
    await one.prepare();
    expect(await one.verify(null, 'decoy')).toEqual({ matches: false, outdated: false, unreadable: false });
    expect(await one.verify(undefined, '')).toEqual({ matches: false, outdated: false, unreadable: false });
  });
  it('runs a bounded number, lets a bounded number wait and refuses the rest at once', async () => {
    const one = hasher(1, 2);
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => one.hash('correct horse')));
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array<string>(3).fill('fulfilled'),
      ...Array<string>(3).fill('rejected'),
    ]);
    const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'overloaded', statusCode: 503, retryAfterSeconds: 2 });
    await expect(one.hash('correct horse')).resolves.toMatch(/^\$argon2id/);
  });
  it('takes a hash that cannot be read for one that does not match', async () => {
    const verdict = await hasher(1, 0).verify('$argon2id$v=19$cut off', 'x');
    expect(verdict).toMatchObject({ matches: false, unreadable: true });
  });
  it('gives its place back after a failure', async () => {
    const one = hasher(1, 0);
    await expect(one.hash(undefined as unknown as string)).rejects.toThrow();
    await expect(one.hash('correct horse')).resolves.toMatch(/^\$argon2id/);
  });
});
