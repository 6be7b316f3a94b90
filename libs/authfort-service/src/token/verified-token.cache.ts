import type { KeyObject } from 'node:crypto';
import type { AuthUser } from './auth-user.js';
import type { TokenAlgorithm } from './token-header.js';

/** The key that a token was verified with. */
export interface SignedBy {
  readonly kid: string;
  readonly algorithm: TokenAlgorithm;
  readonly key: KeyObject;
}

/** What a token was last judged by. While all of it holds, the judgement does. */
export interface Stamp {
  /** Of the revocations. */
  readonly epoch: number;
  /** Of the key source. */
  readonly generation: number;
  /** Milliseconds since 1970. Before it, the clock was set back; from `untilMs` on, the token or the keys are due. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** A token whose signature and claims were found good. */
export interface VerifiedToken {
  readonly token: string;
  /** The `Authorization` header that brings it, as nearly every client writes it. */
  readonly bearer: string;
  readonly user: AuthUser;
  readonly signedBy: SignedBy;
  stamp: Stamp;
}

const SCHEME = 'Bearer ';
/** 43 characters of base64url are 258 bits of the signature: enough to find a token by, and quicker to hash than all of it. */
const TAIL = -43;

/**
 * Tokens that were verified, by the end of their signature. That end only finds an entry: the whole text is compared before anything
 * is made of it.
 *
 * The cache has two halves. A full young half becomes the old one, and what the old one held is dropped; what is used moves to the
 * young half. So memory is bounded, what was used last stays, and what is no longer used, an expired token for example, goes.
 */
export class VerifiedTokenCache {
  private young = new Map<string, VerifiedToken>();
  private old = new Map<string, VerifiedToken>();
  private readonly half: number;

  /** @param size how many tokens there may be, at least 2; 0: none */
  constructor(private readonly size: number) {
    this.half = Math.max(1, Math.floor(size / 2));
  }

  /** Finds a token by the text of its `Authorization` header. */
  byBearer(authorization: string): VerifiedToken | undefined {
    const found = this.find(authorization.slice(TAIL));
    return found !== undefined && found.bearer === authorization ? found : undefined;
  }

  byToken(token: string): VerifiedToken | undefined {
    const found = this.find(token.slice(TAIL));
    return found !== undefined && found.token === token ? found : undefined;
  }

  add(token: string, user: AuthUser, signedBy: SignedBy, stamp: Stamp): void {
    if (this.size === 0) return;
    // A copy: a part of a header keeps all of the header in memory, with whatever the client put there.
    const bearer = Buffer.from(SCHEME + token, 'latin1').toString('latin1');
    this.put(bearer.slice(TAIL), { token: bearer.slice(SCHEME.length), bearer, user, signedBy, stamp });
  }

  delete({ bearer }: VerifiedToken): void {
    const tail = bearer.slice(TAIL);
    this.young.delete(tail);
    this.old.delete(tail);
  }

  /** How many tokens are kept. */
  get count(): number {
    return this.young.size + this.old.size;
  }

  private find(tail: string): VerifiedToken | undefined {
    return this.young.get(tail) ?? this.findOld(tail);
  }

  private findOld(tail: string): VerifiedToken | undefined {
    const found = this.old.get(tail);
    if (found === undefined) return undefined;
    this.old.delete(tail);
    this.put(found.bearer.slice(TAIL), found);
    return found;
  }

  private put(tail: string, entry: VerifiedToken): void {
    if (this.young.size >= this.half) {
      this.old = this.young;
      this.young = new Map();
    }
    this.old.delete(tail);
    this.young.set(tail, entry);
  }
}
