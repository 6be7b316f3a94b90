import { isUuid } from '../database/uuid.js';
import { authError } from '../errors/catalog.js';

/** A session as its owner sees it. */
export interface Session {
  readonly id: string;
  readonly createdAt: Date;
  /**
   * The hour of the last use (sign-in or refresh) before the present hour began; without one, the hour of the sign-in. The value
   * changes only on the hour, and does not show when the owner refreshes.
   */
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** Sessions of a page, unless the caller asks for fewer. */
export const SESSIONS_PER_PAGE = 100;

/** Which part of a user's sessions to read. */
export interface ListSessionsQuery {
  /** Sessions of a page, 1 to 100. Default 100. */
  limit?: number | undefined;
  /** `nextCursor` of the page before. */
  cursor?: string | undefined;
}

/** One page of a user's live sessions, newest first. */
export interface SessionPage {
  readonly sessions: readonly Session[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

/** The session behind which a page begins: when it was opened, in microseconds since 1970 as PostgreSQL stores it, and its id. */
export interface SessionPosition {
  readonly micros: string;
  readonly id: string;
}

/** The opaque form of a position. */
export function writeSessionCursor({ micros, id }: SessionPosition): string {
  return Buffer.from(JSON.stringify(['sessions', micros, id])).toString('base64url');
}

/** @throws AuthFortError `validation_error` for anything but a cursor of this list */
export function readSessionCursor(cursor: string): SessionPosition {
  try {
    const [list, micros, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    const known = list === 'sessions' && typeof micros === 'string' && /^\d{1,16}$/.test(micros);
    if (known && typeof id === 'string' && isUuid(id)) return { micros, id };
  } catch {
    // It is not one of ours.
  }
  throw authError('validation_error', {
    details: [{ field: 'cursor', message: 'is not the cursor of a page of this list' }],
  });
}
