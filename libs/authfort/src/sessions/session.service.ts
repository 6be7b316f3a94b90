import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { isUuid } from '../database/uuid.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import type { ClientInfo } from '../http/client-info.js';
import { PendingProofsService } from '../one-time/pending-proofs.service.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { TokenSession } from '../tokens/access-token.service.js';
import { traitsOf } from './client-traits.js';
import { hashRefreshToken, looksLikeRefreshToken, mintRefreshToken } from './refresh-token.js';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import { AllSessionsRepository } from './all-sessions.repository.js';
import {
  type ListSessionsQuery,
  readSessionCursor,
  type SessionPage,
  SESSIONS_PER_PAGE,
  writeSessionCursor,
} from './session-page.js';
import { SessionRepository } from './session.repository.js';

/** A session that has just been opened, with its first refresh token. */
export interface OpenedSession extends TokenSession {
  readonly refreshToken: string;
  /** Lifetime of the refresh token in seconds. */
  readonly refreshExpiresIn: number;
}

/** How a user has signed in: RFC 8176 method names, and the authentication context class. */
export type Authentication = Pick<TokenSession, 'amr' | 'acr'>;

/** Opens and ends sessions. Only `sign-in/` opens one. */
@Injectable()
export class SessionService {
  constructor(
    private readonly database: Database,
    private readonly sessions: SessionRepository,
    private readonly allSessions: AllSessionsRepository,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly pending: PendingProofsService,
    private readonly events: EventBus,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** Opens a session. Call it within the transaction that decided that the user may sign in, and that has locked the user. */
  async open(userId: string, { amr, acr }: Authentication, client: ClientInfo): Promise<OpenedSession> {
    const { token, hash } = mintRefreshToken();
    const createdAt = this.clock.now();
    const expiresAt = addSeconds(createdAt, this.config.sessionAbsoluteTtlSeconds);
    const id = randomUUID();
    const session = { id, userId, amr, acr, createdAt, expiresAt, refreshTokenHash: hash };
    const refreshExpiresIn = Math.min(
      this.config.refreshTokenTtlSeconds,
      this.config.sessionAbsoluteTtlSeconds,
    );
    const refreshTokenExpiresAt = addSeconds(createdAt, refreshExpiresIn);
    await this.sessions.open({ ...session, refreshTokenExpiresAt }, client, this.config.maxSessionsPerUser);
    return { id, amr, acr, createdAt, expiresAt, refreshToken: token, refreshExpiresIn };
  }

  /** A page of the user's live sessions, newest first. @throws AuthFortError `validation_error` for a cursor of another list */
  async list(userId: string, query: ListSessionsQuery = {}): Promise<SessionPage> {
    const limit = Math.min(
      Math.max(Math.trunc(query.limit ?? SESSIONS_PER_PAGE) || SESSIONS_PER_PAGE, 1),
      SESSIONS_PER_PAGE,
    );
    const after = query.cursor === undefined ? undefined : readSessionCursor(query.cursor);
    // One more than asked for shows whether there is a next page.
    const found = await this.sessions.listLive(userId, this.clock.now(), limit + 1, after);
    const shown = found.slice(0, limit);
    const last = found.length > limit ? shown.at(-1) : undefined;
    return {
      sessions: shown.map(({ micros: _, ...session }) => session),
      nextCursor: last ? writeSessionCursor(last) : null,
    };
  }

  /**
   * Ends the session of a refresh token: as stolen when a refresh with the token would be theft, otherwise as a logout. A token that is
   * not known ends nothing and is no error.
   */
  async endByRefreshToken(refreshToken: string, client: ClientInfo): Promise<void> {
    if (!looksLikeRefreshToken(refreshToken)) return;
    const traits = traitsOf(client, refreshToken);
    const found = await this.refreshTokens.judgeLogout(
      hashRefreshToken(refreshToken),
      traits,
      this.clock.now(),
    );
    if (found?.stolen) await this.endStolen(found.userId, found.sessionId, client);
    else if (found) await this.end(found.userId, found.sessionId);
  }

  /** Signs the user out of a session; one that has ended already is no error. */
  async end(userId: string, sessionId: string): Promise<void> {
    await this.database.transaction(async () => {
      if (await this.sessions.revoke(sessionId, 'logout', this.clock.now(), userId))
        await this.events.emit('logout', { userId, sessionId });
    });
  }

  /** Ends a session one of whose refresh tokens was stolen; announced once, however often it is found out. */
  async endStolen(userId: string, sessionId: string, client: ClientInfo): Promise<void> {
    await this.database.transaction(async () => {
      if (!(await this.sessions.revoke(sessionId, 'refresh_token_reuse', this.clock.now(), userId))) return;
      await this.pending.discardEmailChange(userId);
      await this.events.emit('refresh_token_reused', { userId, sessionId, client });
    });
  }

  /** Ends one session of a user, and a change of address that may have been asked for with it. @throws AuthFortError `session_not_found` when it is not theirs or has ended. */
  async revoke(userId: string, sessionId: string): Promise<void> {
    if (!isUuid(sessionId)) throw authError('session_not_found');
    await this.database.transaction(async () => {
      if (!(await this.sessions.revoke(sessionId, 'revoked', this.clock.now(), userId)))
        throw authError('session_not_found');
      await this.pending.discardEmailChange(userId);
      await this.events.emit('session_revoked', { userId, sessionId });
    });
  }

  /**
   * Ends the sessions of a user, all or all but one, and a change of address that was asked for.
   * @returns how many were ended
   * @throws AuthFortError `session_not_found`
   */
  async revokeAll(userId: string, reason: string, exceptSessionId?: string): Promise<number> {
    if (exceptSessionId !== undefined && !isUuid(exceptSessionId)) throw authError('session_not_found');
    return this.database.transaction(async () => {
      const ended = await this.allSessions.end(userId, reason, this.clock.now(), exceptSessionId);
      await this.pending.discardEmailChange(userId);
      if (ended > 0) await this.events.emit('session_revoked', { userId, sessionId: null });
      return ended;
    });
  }
}

function addSeconds(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000);
}
