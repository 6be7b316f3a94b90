import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AccessTokenVerifier } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { TokenDelivery } from '../http/token-delivery.js';

/** A refresh token as the client presented it. */
export interface PresentedRefreshToken {
  readonly token: string;
  /** The session that the cookies beside the refresh cookie speak for, if there are any that can be believed. */
  readonly expectedSessionId: string | undefined;
}

/** Finds the refresh token of a request: in the body, or else in the cookie. */
@Injectable()
export class RefreshTokenReader {
  constructor(
    private readonly delivery: TokenDelivery,
    private readonly verifier: AccessTokenVerifier,
  ) {}

  /**
   * Undefined when none was sent.
   * @throws AuthFortError `refresh_token_invalid` when two cookies contradict each other, `refresh_token_mismatch` when the cookie
   *   was not set by us in this browser
   */
  async read(
    bodyToken: string | null | undefined,
    headers: IncomingHttpHeaders,
  ): Promise<PresentedRefreshToken | undefined> {
    if (bodyToken) return { token: bodyToken, expectedSessionId: undefined };
    const [token, ...others] = this.delivery.refreshCookies(headers.cookie);
    if (token === undefined) return undefined;
    // A sibling host can plant a cookie of our name for the parent domain, but it cannot take ours away.
    if (others.length > 0) throw authError('refresh_token_invalid');
    return { token, expectedSessionId: await this.expectedSession(headers) };
  }

  private async expectedSession(headers: IncomingHttpHeaders): Promise<string | undefined> {
    const marked = this.delivery.sessionMark(headers.cookie);
    if (marked !== undefined) return marked;
    // A browser that we gave the refresh cookie to also has the mark. Clients that are none keep the cookies they like.
    if (this.delivery.marksSessions && headers['sec-fetch-site'] !== undefined)
      throw authError('refresh_token_mismatch');
    const [accessToken, ...rest] = this.delivery.accessCookies(headers.cookie);
    return accessToken && rest.length === 0 ? this.sessionOf(accessToken) : undefined;
  }

  /** The `sid` of a valid access token; anything else says nothing about the session. */
  private async sessionOf(accessToken: string): Promise<string | undefined> {
    try {
      return (await this.verifier.verify(accessToken)).sessionId ?? undefined;
    } catch {
      return undefined;
    }
  }
}
