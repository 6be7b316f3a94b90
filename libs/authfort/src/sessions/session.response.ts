import type { Session, SessionPage } from './session-page.js';
import { parseUserAgent } from './user-agent.js';

/** A session in an answer. */
export interface SessionResponse {
  id: string;
  /** Whether the request came with it. */
  current: boolean;
  created_at: string;
  /** Rounded down to the hour; see Session.lastSeenAt. */
  last_seen_at: string;
  expires_at: string;
  ip: string | null;
  user_agent: string | null;
  /** What the user agent says of itself; null where it says nothing that is known. */
  device: { browser: string | null; os: string | null; type: string | null };
}

/** One page of sessions. */
export interface SessionListResponse {
  sessions: SessionResponse[];
  /** For `?cursor=`; null on the last page. */
  next_cursor: string | null;
}

export function toSessionListResponse(
  { sessions, nextCursor }: SessionPage,
  currentId?: string | null,
): SessionListResponse {
  return {
    sessions: sessions.map((session) => toSessionResponse(session, currentId)),
    next_cursor: nextCursor,
  };
}

function toSessionResponse(session: Session, currentId?: string | null): SessionResponse {
  return {
    id: session.id,
    current: session.id === currentId,
    created_at: session.createdAt.toISOString(),
    last_seen_at: session.lastSeenAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    ip: session.ip,
    user_agent: session.userAgent,
    device: deviceOf(session.userAgent),
  };
}

function deviceOf(userAgent: string | null): SessionResponse['device'] {
  if (!userAgent) return { browser: null, os: null, type: null };
  const { browser, browserVersion, os, type } = parseUserAgent(userAgent);
  const name = [browser, browserVersion].filter(Boolean).join(' ');
  return { browser: name || null, os: os ?? null, type: type ?? null };
}
