import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { AccessTokenVerifier, Clock } from 'authfort-service';
import { authError } from '../errors/catalog.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { hashRefreshToken, looksLikeRefreshToken } from './refresh-token.js';
import { type KnownToken, RefreshTokenRepository } from './refresh-token.repository.js';

/** A refresh token as the client presented it. */
export interface PresentedRefreshToken {
  readonly token: string;
  /** The session that the client's other cookies name, if any of them can be trusted. */
  readonly expectedSessionId: string | undefined;
  /** A browser sent the cookie without the session mark that we set together with it. */
  readonly unmarked: boolean;
}

/** Refresh cookies of one request that are looked up, in one statement. */
const MAX_REFRESH_COOKIES = 20;
/** Access cookies of one request whose signatures are verified. */
const MAX_ACCESS_COOKIES = 4;

type Candidate = KnownToken & { readonly token: string };

/**
 * Finds the refresh token of a request: in the body, or else in the cookie.
 *
 * A browser may hold several refresh cookies: from an older path, domain or installation, or planted by a sibling host, which can add a
 * cookie of our name but cannot take ours away. The session mark, which no other host can set, selects among them (ADR 16).
 */
@Injectable()
export class RefreshTokenReader {
  constructor(
    private readonly delivery: TokenDelivery,
    private readonly verifier: AccessTokenVerifier,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * The token to refresh with; undefined when the request has none.
   * @throws AuthFortError `refresh_token_invalid` when the request has several cookies and none of them can be selected
   */
  async read(
    bodyToken: string | null | undefined,
    headers: IncomingHttpHeaders,
  ): Promise<PresentedRefreshToken | undefined> {
    if (bodyToken) return { token: bodyToken, expectedSessionId: undefined, unmarked: false };
    const [first, ...others] = this.delivery.refreshCookies(headers.cookie);
    if (first === undefined) return undefined;
    const mark = this.delivery.sessionMark(headers.cookie);
    // A browser that received the refresh cookie from us also has the mark. Other clients may keep any subset of the cookies.
    const unmarked =
      mark === undefined && this.delivery.marksSessions && headers['sec-fetch-site'] !== undefined;
    const token = others.length === 0 ? first : await this.select(headers, mark);
    if (token === undefined) throw authError('refresh_token_invalid');
    return { token, expectedSessionId: mark ?? (await this.sessionOfOneAccessCookie(headers)), unmarked };
  }

  /** The tokens whose sessions a logout ends: all cookies when none of several can be selected. */
  async readForLogout(bodyToken: string | null | undefined, headers: IncomingHttpHeaders): Promise<string[]> {
    if (bodyToken) return [bodyToken];
    const tokens = this.delivery.refreshCookies(headers.cookie);
    if (tokens.length < 2) return tokens;
    const candidates = await this.candidates(headers);
    const named = await this.namedSession(headers, this.delivery.sessionMark(headers.cookie));
    const selected = candidates.find(({ sessionId }) => sessionId === named);
    if (selected) return [selected.token];
    // The newest of each session: an older one next to it is a leftover, not a theft.
    const newest = new Map(candidates.toReversed().map(({ sessionId, token }) => [sessionId, token]));
    return [...newest.values()];
  }

  /**
   * The one of several cookies that belongs to the session of the mark. Without a mark: the one of the session of the access tokens, or
   * the only one whose session is live.
   */
  private async select(headers: IncomingHttpHeaders, mark: string | undefined): Promise<string | undefined> {
    const candidates = await this.candidates(headers);
    const named = await this.namedSession(headers, mark);
    if (named !== undefined) return candidates.find(({ sessionId }) => sessionId === named)?.token;
    const live = candidates.filter((candidate) => candidate.live);
    const sessions = new Set(live.map(({ sessionId }) => sessionId));
    return sessions.size === 1 ? live[0]!.token : undefined;
  }

  private async candidates({ cookie }: IncomingHttpHeaders): Promise<Candidate[]> {
    const tokens = this.delivery
      .refreshCookies(cookie)
      .filter(looksLikeRefreshToken)
      .slice(0, MAX_REFRESH_COOKIES);
    const byHash = new Map(tokens.map((token) => [hashRefreshToken(token).toString('hex'), token]));
    const known = await this.refreshTokens.findKnown(tokens.map(hashRefreshToken), this.clock.now());
    return known.map((found) => ({ ...found, token: byHash.get(found.hash.toString('hex'))! }));
  }

  private async namedSession(
    headers: IncomingHttpHeaders,
    mark: string | undefined,
  ): Promise<string | undefined> {
    if (mark !== undefined) return mark;
    const accessTokens = this.delivery.accessCookies(headers.cookie).slice(0, MAX_ACCESS_COOKIES);
    const sessions = new Set(await Promise.all(accessTokens.map((token) => this.sessionOf(token))));
    sessions.delete(undefined);
    return sessions.size === 1 ? [...sessions][0] : undefined;
  }

  private async sessionOfOneAccessCookie({ cookie }: IncomingHttpHeaders): Promise<string | undefined> {
    const [accessToken, ...others] = this.delivery.accessCookies(cookie);
    return accessToken && others.length === 0 ? this.sessionOf(accessToken) : undefined;
  }

  /** The `sid` of a valid access token; any other token says nothing about the session. */
  private async sessionOf(accessToken: string): Promise<string | undefined> {
    try {
      return (await this.verifier.verify(accessToken)).sessionId ?? undefined;
    } catch {
      return undefined;
    }
  }
}
