import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { Database } from '../database/database.js';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import type { ClientInfo } from '../http/client-info.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { AccessTokenService } from '../tokens/access-token.service.js';
import type { AuthResult } from './auth-result.js';
import { traitsOf } from './client-traits.js';
import { deriveSuccessor, hashRefreshToken, looksLikeRefreshToken } from './refresh-token.js';
import type { PresentedRefreshToken } from './refresh-token.reader.js';
import { RefreshTokenRepository, type Rotation, type RotationRequest } from './refresh-token.repository.js';
import { SessionService } from './session.service.js';

/** Turns a refresh token into its successor and a new access token (RFC 6749 §6, rotation as RFC 9700 §4.14.2). */
@Injectable()
export class RefreshService {
  constructor(
    private readonly database: Database,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly sessions: SessionService,
    private readonly accessTokens: AccessTokenService,
    private readonly events: EventBus,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * @param evidence for a token that came by cookie: the session that other cookies name, and whether the mark is missing
   * @throws AuthFortError `refresh_token_invalid`, `_expired`, `_revoked`, `_mismatch`, `user_banned`, `email_not_verified`
   */
  async refresh(
    refreshToken: string,
    client: ClientInfo,
    evidence: Partial<Omit<PresentedRefreshToken, 'token'>> = {},
  ): Promise<AuthResult> {
    if (!looksLikeRefreshToken(refreshToken)) throw authError('refresh_token_invalid');
    this.accessTokens.assertReady();
    const salt = randomBytes(32);
    const request = {
      tokenHash: hashRefreshToken(refreshToken),
      salt,
      successorHash: deriveSuccessor(refreshToken, salt).hash,
      now: this.clock.now(),
      idleSeconds: this.config.refreshTokenTtlSeconds,
      traits: traitsOf(client, refreshToken),
      expectedSessionId: evidence.expectedSessionId,
      unmarked: evidence.unmarked ?? false,
      requireVerifiedEmail: this.config.requireVerifiedEmail,
    };
    const rotation = await this.events.together('token_refreshed', () => this.rotate(request, client));
    if (!rotation) throw authError('refresh_token_invalid');
    await this.refuse(rotation, client);
    if (rotation.outcome === 'repeated' && rotation.unaudited) await this.audit(rotation, request, client);
    const { user, sessionId, amr, acr, sessionCreatedAt, sessionExpiresAt } = rotation;
    const session = { id: sessionId, amr, acr, createdAt: sessionCreatedAt, expiresAt: sessionExpiresAt };
    const tokens = {
      ...(await this.accessTokens.issue(user, session)),
      refreshToken: deriveSuccessor(refreshToken, rotation.salt).token,
      refreshExpiresIn: secondsBetween(request.now, rotation.successorExpiresAt),
    };
    return { user, sessionId, tokens };
  }

  /** One entry for each rotated token: a client can repeat the token without limit. */
  private async audit(
    { user, sessionId }: Rotation,
    request: RotationRequest,
    client: ClientInfo,
  ): Promise<void> {
    await this.database.transaction(async () => {
      if (await this.refreshTokens.claimRepeat(request.tokenHash, request.now))
        await this.events.emit('refresh_token_repeated', { userId: user.id, sessionId, client });
    });
  }

  private async rotate(request: RotationRequest, client: ClientInfo): Promise<Rotation | undefined> {
    const rotation = await this.refreshTokens.rotate(request);
    if (rotation?.outcome === 'rotated' || rotation?.outcome === 'repeated') {
      const { user, sessionId, outcome } = rotation;
      const repeated = outcome === 'repeated';
      await this.events.emit('token_refreshed', { userId: user.id, sessionId, client, repeated });
    }
    return rotation;
  }

  private async refuse({ outcome, user, sessionId }: Rotation, client: ClientInfo): Promise<void> {
    switch (outcome) {
      case 'rotated':
      case 'repeated':
        return;
      case 'reused':
        // Committed before the answer. A crash in between leaves a session whose theft the next replay finds out.
        await this.sessions.endStolen(user.id, sessionId, client);
        throw authError('refresh_token_revoked');
      case 'mismatched':
        await this.events.emit('refresh_token_mismatch', { userId: user.id, sessionId, client });
        throw authError('refresh_token_mismatch');
      case 'revoked':
        throw authError('refresh_token_revoked');
      case 'expired':
        throw authError('refresh_token_expired');
      case 'banned':
        throw authError('user_banned');
      case 'unverified':
        throw authError('email_not_verified');
    }
  }
}

function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, Math.floor((to.getTime() - from.getTime()) / 1000));
}
