import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { Inject, Injectable, Logger } from '@nestjs/common';
import proxyaddr from 'proxy-addr';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { ClientInfo } from './client-info.js';

/** A request of Express (an IncomingMessage) or of Fastify (which wraps one in `raw`). */
export type HttpRequest = IncomingMessage | { readonly raw: IncomingMessage };

/** Finds the client's address: from the right of `X-Forwarded-For`, as far as the hops are trusted proxies. */
@Injectable()
export class ClientIp {
  private readonly logger = new Logger(ClientIp.name);
  private warned = false;
  private readonly trust: (address: string, hop: number) => boolean;

  constructor(@Inject(AUTHFORT_CONFIG) config: Pick<AuthFortConfig, 'trustedProxies'>) {
    this.trust = proxyaddr.compile([...config.trustedProxies]);
  }

  /** The address of the client; a header that an untrusted peer sends changes nothing. */
  of(request: HttpRequest): string {
    const raw = 'raw' in request ? request.raw : request;
    const peer = raw.socket.remoteAddress ?? '';
    if (raw.headers['x-forwarded-for'] !== undefined && !this.trust(peer, 0)) this.warnOnce(peer);
    return addressOf(proxyaddr(raw, this.trust)) ?? addressOf(peer) ?? peer;
  }

  /** A proxy that nobody named makes all clients one: they share every rate limit. */
  private warnOnce(peer: string): void {
    if (this.warned) return;
    this.warned = true;
    this.logger.warn(
      `X-Forwarded-For from ${peer} is not believed. If that is your proxy, name it in trustedProxies (TRUSTED_PROXIES)`,
    );
  }

  info(request: HttpRequest): ClientInfo {
    const raw = 'raw' in request ? request.raw : request;
    return { ip: this.of(raw), userAgent: printable(raw.headers['user-agent']) };
  }
}

/**
 * The bare address: some proxies write a port behind it, and an IPv4 client of a dual-stack socket is written as
 * `::ffff:192.0.2.1` or `::ffff:c000:201` (RFC 4291 §2.5.5.2). Undefined for what is none: it would be a new client each time.
 */
function addressOf(text: string | undefined): string | undefined {
  const bare = (text ?? '')
    .trim()
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1');
  if (!isIP(bare)) return undefined;
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(bare) ?? [];
  if (high === undefined || low === undefined) return bare.replace(/^::ffff:(?=\d+\.)/i, '');
  const bytes = [parseInt(high, 16), parseInt(low, 16)].flatMap((pair) => [pair >> 8, pair & 0xff]);
  return bytes.join('.');
}

/** Bounded, and without what PostgreSQL could not store or a log viewer would obey. */
function printable(userAgent: string | undefined): string | null {
  return userAgent ? userAgent.replace(/[^\x20-\x7e\xa0-\xff]/g, '').slice(0, 400) || null : null;
}
