import type { IncomingMessage } from 'node:http';
import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import proxyaddr from 'proxy-addr';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import type { ClientInfo } from './client-info.js';
import { parseAddress } from './ip-address.js';

/** A request of Express (an IncomingMessage) or of Fastify (which wraps one in `raw`). */
export type HttpRequest = IncomingMessage | { readonly raw: IncomingMessage };

/** The entry of `trustedProxies` for proxies that connect through a unix domain socket, and the address of such a peer. */
export const UNIX = 'unix';

/** Which addresses are trusted proxies. @throws TypeError for an entry that is neither `unix`, an address, a range nor a known name */
export function trustedHops(trustedProxies: readonly string[]): (address: string) => boolean {
  const trustsUnix = trustedProxies.includes(UNIX);
  const trusts = proxyaddr.compile(trustedProxies.filter((entry) => entry !== UNIX));
  return (address) => (address === UNIX ? trustsUnix : trusts(address, 0));
}

/** Addresses of {@link ClientIp.isOfClient} that are remembered, the latest. */
const MOST_FORWARDERS = 1000;

interface ServerHost {
  readonly httpAdapter?: { getHttpServer(): { address?(): unknown } | undefined };
}

/**
 * Finds the client's address: from the right of `X-Forwarded-For`, as far as the hops are trusted proxies. `Forwarded` (RFC 7239) and
 * headers of single vendors are ignored. Each hop is parsed before it is compared, so its spelling does not matter.
 */
@Injectable()
export class ClientIp {
  private readonly logger = new Logger(ClientIp.name);
  private warned = false;
  /** Peers that are not trusted and have sent `X-Forwarded-For`. */
  private readonly forwarders = new Set<string>();
  private readonly trust: (address: string) => boolean;

  constructor(
    @Inject(AUTHFORT_CONFIG) config: Pick<AuthFortConfig, 'trustedProxies'>,
    @Optional() @Inject(HttpAdapterHost) private readonly adapterHost?: ServerHost,
  ) {
    this.trust = trustedHops(config.trustedProxies);
  }

  /**
   * The address of the client in its canonical spelling; `unix` behind a unix socket, empty where the connection has ended. A header
   * that an untrusted peer sends changes nothing, and text that is no address never gets through.
   */
  of(request: HttpRequest): string {
    const raw = 'raw' in request ? request.raw : request;
    const forwarded = raw.headers['x-forwarded-for'];
    const peer = parseAddress(raw.socket.remoteAddress) ?? (this.listensOnUnixSocket() ? UNIX : '');
    if (forwarded === undefined) return peer;
    if (!this.trust(peer)) {
      this.warnOnce(peer);
      this.noteForwarder(peer);
      return peer;
    }
    return this.lastUntrusted(peer, [forwarded].flat().join());
  }

  /**
   * Whether an address that {@link of} has returned is that of one client. It may be the address of a proxy: of a trusted one that forwards
   * no address, or of one that is missing in `trustedProxies`.
   */
  isOfClient(address: string): boolean {
    return !this.trust(address) && !this.forwarders.has(address);
  }

  private noteForwarder(peer: string): void {
    // The latest last.
    this.forwarders.delete(peer);
    if (this.forwarders.size >= MOST_FORWARDERS) this.forwarders.delete(this.forwarders.keys().next().value!);
    this.forwarders.add(peer);
  }

  /** Stops at the last trusted hop where the next one is no address. */
  private lastUntrusted(peer: string, forwarded: string): string {
    let hop = peer;
    // RFC 9110 §5.6.1.2: empty elements of a list do not count.
    for (const text of forwarded
      .split(',')
      .reverse()
      .filter((element) => element.trim() !== '')) {
      const next = parseAddress(text);
      if (next === undefined) return hop;
      hop = next;
      if (!this.trust(hop)) return hop;
    }
    return hop;
  }

  /**
   * The peer of a unix socket has no address. A TCP connection that has ended has none either. The server distinguishes the two: its
   * address is a path. Otherwise a client could pass for the proxy by closing its connection.
   */
  private listensOnUnixSocket(): boolean {
    return typeof this.adapterHost?.httpAdapter?.getHttpServer()?.address?.() === 'string';
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

/** Bounded, and without what PostgreSQL could not store or a log viewer would obey. */
function printable(userAgent: string | undefined): string | null {
  return userAgent ? userAgent.replace(/[^\x20-\x7e\xa0-\xff]/g, '').slice(0, 400) || null : null;
}
