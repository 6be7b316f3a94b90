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

interface Entry extends VerifiedToken {
  readonly slot: number;
  /** Since the hand last came by. */
  used: boolean;
}

const SCHEME = 'Bearer ';
/** 43 characters of base64url are 258 bits of the signature: enough to find a token by, and quicker to hash than all of it. */
const TAIL = -43;

/**
 * Tokens that were verified, by the end of their signature. That end only finds an entry: the whole text is compared before anything
 * is made of it.
 *
 * When the cache is full, a hand goes round (the CLOCK algorithm): what was used since it last came by stays, the first that was not
 * makes room. So what is in use stays, and what is no longer used, an expired token for example, goes.
 */
export class VerifiedTokenCache {
  private readonly entries = new Map<string, Entry>();
  private readonly slots: (Entry | undefined)[] = [];
  private hand = 0;

  /** @param size how many tokens there may be; 0: none */
  constructor(private readonly size: number) {}

  /** Finds a token by the text of its `Authorization` header. */
  byBearer(authorization: string): VerifiedToken | undefined {
    const found = this.entries.get(authorization.slice(TAIL));
    if (found === undefined || found.bearer !== authorization) return undefined;
    found.used = true;
    return found;
  }

  byToken(token: string): VerifiedToken | undefined {
    const found = this.entries.get(token.slice(TAIL));
    if (found === undefined || found.token !== token) return undefined;
    found.used = true;
    return found;
  }

  add(token: string, user: AuthUser, signedBy: SignedBy, stamp: Stamp): void {
    if (this.size === 0) return;
    // A copy: a part of a header keeps all of the header in memory, with whatever the client put there.
    const bearer = Buffer.from(SCHEME + token, 'latin1').toString('latin1');
    const slot = this.entries.get(bearer.slice(TAIL))?.slot ?? this.makeRoom();
    const entry = { token: bearer.slice(SCHEME.length), bearer, user, signedBy, stamp, slot, used: false };
    this.slots[slot] = entry;
    this.entries.set(bearer.slice(TAIL), entry);
  }

  delete({ bearer }: VerifiedToken): void {
    const found = this.entries.get(bearer.slice(TAIL));
    // Another token may have taken the place meanwhile.
    if (found?.bearer !== bearer) return;
    this.entries.delete(bearer.slice(TAIL));
    this.slots[found.slot] = undefined;
  }

  /** How many tokens are kept. */
  get count(): number {
    return this.entries.size;
  }

  /** @returns a slot that is free now */
  private makeRoom(): number {
    if (this.slots.length < this.size) return this.slots.length;
    for (;;) {
      const slot = this.hand;
      this.hand = (slot + 1) % this.size;
      const entry = this.slots[slot];
      if (entry === undefined) return slot;
      if (!entry.used) {
        this.entries.delete(entry.bearer.slice(TAIL));
        return slot;
      }
      entry.used = false;
    }
  }
}
