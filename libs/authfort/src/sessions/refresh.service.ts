import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { EventBus } from '../events/event-bus.js';
import type { ClientInfo } from '../http/client-info.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { AccessTokenService } from '../tokens/access-token.service.js';
import type { AuthResult } from './auth-result.js';
import { deriveSuccessor, hashRefreshToken, looksLikeRefreshToken } from './refresh-token.js';
import { RefreshTokenRepository, type Rotation, type RotationRequest } from './refresh-token.repository.js';
import { SessionService } from './session.service.js';

/** Turns a refresh token into its successor and a new access token (RFC 6749 §6, rotation as RFC 9700 §4.14.2). */
@Injectable()
export class RefreshService {
  constructor(
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly sessions: SessionService,
    private readonly accessTokens: AccessTokenService,
    private readonly events: EventBus,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * @param expectedSessionId the session that the client's other cookies speak for: a refresh token of another one was planted.
   * @throws AuthFortError `refresh_token_invalid`, `_expired`, `_revoked`, `_mismatch`, `user_banned`
   */
  async refresh(refreshToken: string, client: ClientInfo, expectedSessionId?: string): Promise<AuthResult> {
    if (!looksLikeRefreshToken(refreshToken)) throw authError('refresh_token_invalid');
    this.accessTokens.assertReady();
    const salt = randomBytes(32);
    const rotation = await this.events.together('token_refreshed', () =>
      this.rotate(
        {
          tokenHash: hashRefreshToken(refreshToken),
          salt,
          successorHash: deriveSuccessor(refreshToken, salt).hash,
          now: this.clock.now(),
          idleSeconds: this.config.refreshTokenTtlSeconds,
          expectedSessionId,
        },
        client,
      ),
    );
    if (!rotation) throw authError('refresh_token_invalid');
    await this.refuse(rotation, client);
    const { user, sessionId } = rotation;
    const session = {
      id: sessionId,
      amr: rotation.amr,
      acr: rotation.acr,
      createdAt: rotation.sessionCreatedAt,
    };
    const tokens = {
      accessToken: await this.accessTokens.issue(user, session),
      refreshToken: deriveSuccessor(refreshToken, rotation.salt).token,
      expiresIn: this.config.accessTokenTtlSeconds,
    };
    return { user, sessionId, tokens };
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
    }
  }
}
