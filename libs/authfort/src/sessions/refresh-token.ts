import { createHash, createHmac, randomBytes } from 'node:crypto';

/** A refresh token and what is stored of it. */
export interface MintedRefreshToken {
  /** 256 random bits in base64url. Handed to the client once, never stored. */
  readonly token: string;
  readonly hash: Buffer;
}

/** Mints the first token of a session. */
export function mintRefreshToken(): MintedRefreshToken {
  return withHash(randomBytes(32).toString('base64url'));
}

/**
 * The successor of a token: HMAC-SHA256 of the token under a random salt, 256 bits as well. Whoever presents the same token
 * again is given the same successor, although neither is stored; and the salt alone, read from a database dump, gives nothing.
 */
export function deriveSuccessor(token: string, salt: Buffer): MintedRefreshToken {
  return withHash(
    createHmac('sha256', salt).update('authfort refresh token successor').update(token).digest('base64url'),
  );
}

/** SHA-256: enough for a secret of 256 bits, which nobody can guess. */
export function hashRefreshToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Whether a text can be a refresh token at all: 32 bytes in base64url. Anything else need not reach the database. */
export function looksLikeRefreshToken(text: string): boolean {
  return /^[\w-]{43}$/.test(text);
}

function withHash(token: string): MintedRefreshToken {
  return { token, hash: hashRefreshToken(token) };
}
