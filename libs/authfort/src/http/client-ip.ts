import type { IncomingMessage } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import proxyaddr from 'proxy-addr';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { ClientInfo } from './client-info.js';

/** A request of Express (an IncomingMessage) or of Fastify (which wraps one in `raw`). */
export type HttpRequest = IncomingMessage | { readonly raw: IncomingMessage };

/** Finds the client's address: from the right of `X-Forwarded-For`, as far as the hops are trusted proxies. */
@Injectable()
export class ClientIp {
  private readonly trust: (address: string, hop: number) => boolean;

  constructor(@Inject(AUTHFORT_CONFIG) config: Pick<AuthFortConfig, 'trustedProxies'>) {
    this.trust = proxyaddr.compile([...config.trustedProxies]);
  }

  /** The address of the client; a header that an untrusted peer sends changes nothing. */
  of(request: HttpRequest): string {
    const raw = 'raw' in request ? request.raw : request;
    return withoutMapping(proxyaddr(raw, this.trust));
  }

  info(request: HttpRequest): ClientInfo {
    const raw = 'raw' in request ? request.raw : request;
    return { ip: this.of(raw), userAgent: printable(raw.headers['user-agent']) };
  }
}

/** `::ffff:192.0.2.1` is the IPv4 client of a dual-stack socket (RFC 4291 §2.5.5.2). */
function withoutMapping(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Bounded, and without what PostgreSQL could not store or a log viewer would obey. */
function printable(userAgent: string | undefined): string | null {
  return userAgent ? userAgent.replace(/[^\x20-\x7e\xa0-\xff]/g, '').slice(0, 400) || null : null;
}
