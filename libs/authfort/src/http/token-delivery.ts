import type { IncomingHttpHeaders } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { HttpAdapterHost } from '@nestjs/core';
import { Inject, Injectable } from '@nestjs/common';
import { type SerializeOptions, parse, serialize } from 'cookie';
import { isUuid } from '../database/uuid.js';
import { Clock } from 'authfort-service';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { type CookieScope, otherCookieForms } from './other-cookie-forms.js';

/** What is delivered. */
interface Delivered {
  readonly sessionId: string;
  readonly tokens: {
    readonly accessToken: string;
    readonly refreshToken: string;
    readonly expiresIn: number;
    readonly refreshExpiresIn: number;
  };
}

/** A response of Express has the request as `req`, a reply of Fastify as `request`. */
interface ResponseOfRequest {
  readonly req?: { readonly headers?: IncomingHttpHeaders };
  readonly request?: { readonly headers?: IncomingHttpHeaders };
}

/** The path of the refresh cookie with the default route prefix, and of the Python AuthFort. */
const EARLIER_REFRESH_PATHS = ['/auth', '/'];

/** For this long after a start, the access cookie of a request may have been set with other options (ms). */
const OPTIONS_ARE_NEW_MS = 3_600_000;

/**
 * Hands tokens to the client and reads them back. The body always carries them; with cookies configured they are set as well: the
 * access cookie for the parent domain, the refresh cookie for this host and the route prefix only.
 *
 * Secure cookies are accompanied by a third one, the session mark `__Host-<refresh cookie>-session`. It holds the session's id, and
 * no other host can set it (RFC 6265bis §4.1.3.2); so it tells our refresh cookie from one that a sibling host has planted.
 */
@Injectable()
export class TokenDelivery {
  private readonly startedAt: number;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly clock: Clock,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {
    this.startedAt = clock.now().getTime();
  }

  /**
   * Sets the cookies, if the server uses cookies, and keeps the response out of every cache. Cookies of the same names that the browser
   * keeps in other forms (path, domain) are expired: see {@link expireOtherForms}.
   */
  deliver(response: unknown, { sessionId, tokens }: Delivered, by: 'sign-in' | 'refresh' = 'sign-in'): void {
    this.noStore(response);
    const { cookie } = this.config;
    if (!cookie) return;
    // Before the new ones: simple clients know cookies by their names only, and keep the last one.
    this.expireOtherForms(response, by);
    const { accessToken, refreshToken, expiresIn, refreshExpiresIn: maxAge } = tokens;
    this.setCookie(response, cookie.accessName, accessToken, { ...this.accessScope(), maxAge: expiresIn });
    this.setCookie(response, cookie.refreshName, refreshToken, { ...this.refreshScope(), maxAge });
    if (this.marksSessions) this.setCookie(response, this.markName, sessionId, { path: '/', maxAge });
  }

  /** Expires the cookies: name, domain and path have to be those that they were set with. */
  clear(response: unknown): void {
    this.noStore(response);
    const { cookie } = this.config;
    if (!cookie) return;
    this.expire(response, cookie.accessName, this.accessScope());
    this.expire(response, cookie.refreshName, this.refreshScope());
    if (this.marksSessions) this.expire(response, this.markName, { path: '/' });
    this.expireOtherForms(response, 'sign-out');
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
    return valuesOf(cookieHeader, this.markName).find(isUuid)?.toLowerCase();
  }

  private get markName(): string {
    return `__Host-${this.config.cookie!.refreshName}-session`;
  }

  /**
   * Expires the forms in which other options, another installation or a sibling host may have set our cookies. A request does not show
   * the form of a cookie, so this happens only where there is a reason: the request has several cookies of the name; or, at a sign-in
   * or a sign-out, any. A refresh also expires the other forms of the access cookie while the options may be new, since a second access
   * cookie makes every guard refuse the request.
   */
  private expireOtherForms(response: unknown, by: 'sign-in' | 'refresh' | 'sign-out'): void {
    const { req, request } = response as ResponseOfRequest;
    const { cookie: header, host, ':authority': authority } = (req ?? request)?.headers ?? {};
    if (!header) return;
    const { accessName, refreshName, domain } = this.config.cookie!;
    const tolerated = by === 'refresh' ? 1 : 0;
    const optionsAreNew = this.clock.now().getTime() - this.startedAt < OPTIONS_ARE_NEW_MS;
    const at = host ?? (authority as string | undefined);
    if (countOf(header, accessName) > (optionsAreNew ? 0 : tolerated))
      for (const scope of otherCookieForms(this.accessScope(), ['/'], domain, at))
        this.expire(response, accessName, scope);
    if (countOf(header, refreshName) > tolerated)
      for (const scope of otherCookieForms(this.refreshScope(), EARLIER_REFRESH_PATHS, domain, at))
        this.expire(response, refreshName, scope);
  }

  private expire(response: unknown, name: string, scope: CookieScope): void {
    this.setCookie(response, name, '', { ...scope, maxAge: 0, expires: new Date(0) });
  }

  private accessScope(): CookieScope {
    const { domain, path } = this.config.cookie!;
    return { path, ...(domain !== undefined && { domain }) };
  }

  private refreshScope(): CookieScope {
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
  return [...new Set(allOf(cookieHeader ?? '', name).filter((value) => value !== ''))];
}

function countOf(cookieHeader: string, name: string): number {
  return allOf(cookieHeader, name).length;
}

function allOf(cookieHeader: string, name: string): string[] {
  const values = cookieHeader.split(';').map((pair) => parse(pair)[name]);
  return values.filter((value): value is string => value !== undefined);
}
