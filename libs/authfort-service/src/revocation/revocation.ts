import { z } from 'zod';

/** An entry of the feed. All times in seconds since 1970. */
export type Revocation = RevokedSession | RevokedUser | RevokedKey;

interface Times {
  /** When it was revoked: what it ends was issued before. */
  readonly at: number;
  /** Until when it matters: what it ends has expired by itself then. */
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
  /** The user kept this session when all others ended: its tokens are valid from this `ver` on. */
  readonly except?: KeptSession;
}

/** A session whose tokens an entry about its user does not end. */
export interface KeptSession {
  readonly sid: string;
  /** Tokens of the session with a lower `ver` are dead. */
  readonly ver: number;
}

/** Tokens signed by this key are dead. */
export interface RevokedKey extends Times {
  readonly kid: string;
}

/** What an answer of the feed told. */
export interface ReadRevocations {
  readonly revocations: readonly Revocation[];
  /** How many entries could not be understood although their kind is known: something was revoked, and it is not known what. */
  readonly malformed: number;
}

const id = z.string().min(1).max(200);
const seconds = z.number().min(0).max(1e11);
const times = { at: seconds, exp: seconds };
const shapes = {
  sid: z.object({ sid: id, ...times }),
  sub: z.object({
    sub: id,
    ver: z.number().int(),
    ...times,
    except: z.object({ sid: id, ver: z.number().int() }).optional(),
  }),
  kid: z.object({ kid: id, ...times }),
};
const KINDS = ['sid', 'sub', 'kid'] as const;

/** Reads the entries. What is of an unknown kind is passed over; what is no list is undefined. */
export function readRevocations(body: unknown): ReadRevocations | undefined {
  if (!Array.isArray(body)) return undefined;
  const revocations: Revocation[] = [];
  let malformed = 0;
  for (const entry of body as unknown[]) {
    const read = readEntry(entry);
    if (read === 'malformed') malformed += 1;
    else if (read !== 'unknown') revocations.push(read);
  }
  return { revocations, malformed };
}

function readEntry(entry: unknown): Revocation | 'unknown' | 'malformed' {
  if (typeof entry !== 'object' || entry === null) return 'malformed';
  const kind = KINDS.find((member) => Object.hasOwn(entry, member));
  if (!kind) return 'unknown';
  return shapes[kind].safeParse(entry).data ?? 'malformed';
}
