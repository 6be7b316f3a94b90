import type { AbstractHttpAdapter } from '@nestjs/core';
import { HttpAdapterHost } from '@nestjs/core';
import { Inject, Injectable } from '@nestjs/common';
import { type SerializeOptions, parse, serialize } from 'cookie';
import { isUuid } from '../database/uuid.js';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';

/** What is delivered. */
interface Delivered {
  readonly sessionId: string;
  readonly tokens: { readonly accessToken: string; readonly refreshToken: string };
}

/**
 * Hands tokens to the client and reads them back. The body always carries them; with cookies configured they are set as well: the
 * access cookie for the parent domain, the refresh cookie for this host and the route prefix only.
 *
 * Secure cookies are accompanied by a third one, the session mark `__Host-<refresh cookie>-session`. It holds the session's id, and
 * no other host can set it (RFC 6265bis §4.1.3.2); so it tells our refresh cookie from one that a sibling host has planted.
 */
@Injectable()
export class TokenDelivery {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  /** Sets the cookies, if there are any to set, and keeps the answer out of every cache. */
  deliver(response: unknown, { sessionId, tokens }: Delivered): void {
    this.noStore(response);
    const { cookie, accessTokenTtlSeconds, refreshTokenTtlSeconds } = this.config;
    if (!cookie) return;
    this.setCookie(response, cookie.accessName, tokens.accessToken, {
      ...this.accessScope(),
      maxAge: accessTokenTtlSeconds,
    });
    this.setCookie(response, cookie.refreshName, tokens.refreshToken, {
      ...this.refreshScope(),
      maxAge: refreshTokenTtlSeconds,
    });
    if (this.marksSessions)
      this.setCookie(response, this.markName, sessionId, { path: '/', maxAge: refreshTokenTtlSeconds });
  }

  /** Takes the cookies back: name, domain and path have to be those they were set with. */
  clear(response: unknown): void {
    this.noStore(response);
    const { cookie } = this.config;
    if (!cookie) return;
    this.setCookie(response, cookie.accessName, '', {
      ...this.accessScope(),
      maxAge: 0,
      expires: new Date(0),
    });
    this.setCookie(response, cookie.refreshName, '', {
      ...this.refreshScope(),
      maxAge: 0,
      expires: new Date(0),
    });
    if (this.marksSessions)
      this.setCookie(response, this.markName, '', { path: '/', maxAge: 0, expires: new Date(0) });
  }

  /** RFC 6749 §5.1: tokens and personal data are not to be cached. */
  noStore(response: unknown): void {
    this.adapter.setHeader(response, 'Cache-Control', 'no-store');
  }

  /** All values of the refresh cookie: more than one means that somebody else planted one. */
  refreshCookies(cookieHeader: string | undefined): string[] {
    return this.config.cookie ? valuesOf(cookieHeader, this.config.cookie.refreshName) : [];
  }

  /** All values of the access cookie. */
  accessCookies(cookieHeader: string | undefined): string[] {
    return this.config.cookie ? valuesOf(cookieHeader, this.config.cookie.accessName) : [];
  }

  /** Whether refresh cookies are accompanied by a mark: a `__Host-` cookie has to be secure. */
  get marksSessions(): boolean {
    return this.config.cookie?.secure === true;
  }

  /** The session that the mark names. */
  sessionMark(cookieHeader: string | undefined): string | undefined {
    if (!this.marksSessions) return undefined;
    return valuesOf(cookieHeader, this.markName).find(isUuid);
  }

  private get markName(): string {
    return `__Host-${this.config.cookie!.refreshName}-session`;
  }

  private accessScope(): SerializeOptions {
    const { domain, path } = this.config.cookie!;
    return { path, ...(domain !== undefined && { domain }) };
  }

  private refreshScope(): SerializeOptions {
    return { path: `/${this.config.routePrefix}` };
  }

  private setCookie(response: unknown, name: string, value: string, scope: SerializeOptions): void {
    const { secure, sameSite } = this.config.cookie!;
    this.adapter.appendHeader(
      response,
      'Set-Cookie',
      serialize(name, value, { ...scope, httpOnly: true, secure, sameSite }),
    );
  }

  private get adapter(): AbstractHttpAdapter {
    return this.adapterHost.httpAdapter;
  }
}

/** The distinct values of one cookie name; `parse` alone would silently take the first. */
function valuesOf(cookieHeader: string | undefined, name: string): string[] {
  const values = (cookieHeader ?? '').split(';').map((pair) => parse(pair)[name]);
  return [...new Set(values.filter((value) => value !== undefined && value !== ''))] as string[];
}
