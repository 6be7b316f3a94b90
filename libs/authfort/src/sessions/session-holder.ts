import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { Clock, extractToken } from 'authfort-service';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { hashRefreshToken, looksLikeRefreshToken } from './refresh-token.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { RefreshTokenReader } from './refresh-token.reader.js';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import { SessionAuthenticator } from './session.authenticator.js';

/** Finds the user whose session a request to a public route presents. */
@Injectable()
export class SessionHolder {
  constructor(
    private readonly authenticator: SessionAuthenticator,
    private readonly reader: RefreshTokenReader,
    private readonly delivery: TokenDelivery,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /**
   * The user of a live session: by the access token, or by the refresh cookie, since the access token may have expired. Undefined
   * without one; a token that does not hold is no error. Cookies are no evidence without the session mark, where marks are set: a
   * sibling host may have planted them (ADR 16).
   */
  async userIdOf(headers: IncomingHttpHeaders): Promise<string | undefined> {
    return (
      (await this.byAccessToken(headers).catch(() => undefined)) ??
      (await this.byRefreshCookie(headers).catch(() => undefined))
    );
  }

  private async byAccessToken(headers: IncomingHttpHeaders): Promise<string | undefined> {
    const presented = extractToken({ headers }, this.config.cookie?.accessName);
    if (!presented) return undefined;
    const { sub, sessionId } = await this.authenticator.authenticate(presented.token);
    return presented.via === 'header' || this.isMarked(sessionId, headers) ? sub : undefined;
  }

  private async byRefreshCookie(headers: IncomingHttpHeaders): Promise<string | undefined> {
    const presented = await this.reader.read(undefined, headers);
    if (!presented || !looksLikeRefreshToken(presented.token)) return undefined;
    const [found] = await this.refreshTokens.findKnown([hashRefreshToken(presented.token)], this.clock.now());
    if (!found?.live || !this.isMarked(found.sessionId, headers)) return undefined;
    const { expectedSessionId = found.sessionId } = presented;
    return found.sessionId === expectedSessionId ? found.userId : undefined;
  }

  /** Also of clients that are no browsers: the mistake of taking them for strangers is the safe one. */
  private isMarked(sessionId: string | null, { cookie }: IncomingHttpHeaders): boolean {
    return !this.delivery.marksSessions || this.delivery.sessionMark(cookie) === sessionId;
  }
}
