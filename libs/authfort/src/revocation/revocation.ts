/** An entry of the feed as services read it. All times in seconds since 1970. */
export type Revocation = RevokedSession | RevokedUser | RevokedKey;

interface Times {
  /** When it was revoked. */
  readonly at: number;
  /** Until when it matters: the last token that it is about has expired by then. */
  readonly exp: number;
}

/** Tokens with this `sid` are dead. */
export interface RevokedSession extends Times {
  readonly sid: string;
}

/** Tokens of this user with a lower `ver` are dead. */
export interface RevokedUser extends Times {
  readonly sub: string;
  readonly ver: number;
  /** The user kept this session: its tokens stay valid from this `ver` on, until the next entry about the user. */
  readonly except?: { readonly sid: string; readonly ver: number };
}

/** Tokens signed by this key are dead. */
export interface RevokedKey extends Times {
  readonly kid: string;
}
