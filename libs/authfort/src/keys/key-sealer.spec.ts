import { describe, expect, it } from '@jest/globals';
import { KeySealer } from './key-sealer.js';

const secret = Buffer.from('a private key');

describe('KeySealer', () => {
  const sealer = new KeySealer('a key encryption secret');

  it('opens what it sealed, and never seals the same twice', () => {
    const [first, second] = [sealer.seal(secret, 'kid'), sealer.seal(secret, 'kid')];
    expect(first).not.toBe(second);
    expect(first).not.toContain(secret.toString('base64url'));
    expect(sealer.open(first, 'kid')).toEqual(secret);
  });
  it('does not open a text that was moved to another row', () => {
    expect(() => sealer.open(sealer.seal(secret, 'kid'), 'other')).toThrow(/does not open/);
  });
  it('does not open a text that was changed', () => {
    const parts = sealer.seal(secret, 'kid').split('.');
    for (const index of [1, 2, 3]) {
      const bytes = Buffer.from(parts[index]!, 'base64url');
      bytes[0]! ^= 1;
      const changed = parts.with(index, bytes.toString('base64url'));
      expect(() => sealer.open(changed.join('.'), 'kid')).toThrow(/does not open/);
    }
    expect(() => sealer.open(parts.slice(0, 2).join('.'), 'kid')).toThrow();
  });
  it('says what to do with the wrong secret, and with none', () => {
    const sealed = sealer.seal(secret, 'kid');
    expect(() => new KeySealer('another secret').open(sealed, 'kid')).toThrow(
      /not the one they were made with/,
    );
    expect(() => new KeySealer(undefined).open(sealed, 'kid')).toThrow(/set KEY_ENCRYPTION_SECRET/);
  });
  it('keeps the text as it is without a secret, and refuses such a text once there is one', () => {
    const plain = new KeySealer(undefined).seal(secret, 'kid');
    expect(new KeySealer(undefined).open(plain, 'kid')).toEqual(secret);
    expect(() => sealer.open(plain, 'kid')).toThrow(/not encrypted/);
  });
});
