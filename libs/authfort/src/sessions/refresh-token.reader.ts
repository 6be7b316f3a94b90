import { Injectable } from '@nestjs/common';
import { AccessTokenVerifier } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { TokenDelivery } from '../http/token-delivery.js';

/** A refresh token as the client presented it. */
export interface PresentedRefreshToken {
  readonly token: string;
  /** The session of the access cookie beside the refresh cookie, if there is one that we signed. */
  readonly expectedSessionId: string | undefined;
}

/** Finds the refresh token of a request: in the body, or else in the cookie. */
@Injectable()
export class RefreshTokenReader {
  constructor(
    private readonly delivery: TokenDelivery,
    private readonly verifier: AccessTokenVerifier,
  ) {}

  /** Undefined when none was sent. @throws AuthFortError `refresh_token_invalid` when two cookies contradict each other */
  async read(
    bodyToken: string | null | undefined,
    cookieHeader: string | undefined,
  ): Promise<PresentedRefreshToken | undefined> {
    if (bodyToken) return { token: bodyToken, expectedSessionId: undefined };
    const [token, ...others] = this.delivery.refreshCookies(cookieHeader);
    if (token === undefined) return undefined;
    // A sibling host can plant a cookie of our name for the parent domain, but it cannot take ours away.
    if (others.length > 0) throw authError('refresh_token_invalid');
    const [accessToken, ...rest] = this.delivery.accessCookies(cookieHeader);
    const expectedSessionId =
      accessToken && rest.length === 0 ? await this.sessionOf(accessToken) : undefined;
    return { token, expectedSessionId };
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
