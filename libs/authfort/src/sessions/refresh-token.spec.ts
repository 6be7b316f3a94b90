import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  deriveSuccessor,
  hashRefreshToken,
  looksLikeRefreshToken,
  mintRefreshToken,
} from './refresh-token.js';

describe('refresh tokens', () => {
  it('have 256 bits and are stored as their SHA-256', () => {
    const { token, hash } = mintRefreshToken();
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(hash).toEqual(hashRefreshToken(token));
    expect(hash).toHaveLength(32);
    expect(mintRefreshToken().token).not.toBe(token);
  });
  it('have one successor for a salt, another for another salt or token', () => {
    const [salt, token] = [randomBytes(32), mintRefreshToken().token];
    const successor = deriveSuccessor(token, salt);
    expect(deriveSuccessor(token, salt)).toEqual(successor);
    expect(deriveSuccessor(token, randomBytes(32)).token).not.toBe(successor.token);
    expect(deriveSuccessor(mintRefreshToken().token, salt).token).not.toBe(successor.token);
    expect(looksLikeRefreshToken(successor.token)).toBe(true);
  });
  it.each(['', 'short', 'x'.repeat(44), `${'x'.repeat(42)}=`, `${'x'.repeat(42)}\n`, 'ä'.repeat(43)])(
    'does not take %j for one',
    (text) => expect(looksLikeRefreshToken(text)).toBe(false),
  );
});
